//! What the daemon makes of what came of a look at the repository.

use super::{Follower, News, short};
use crate::clock;
use crate::daemon::{Daemon, Event};
use crate::journal::Problem;

/// For ever if nothing is followed.
pub(in crate::daemon) async fn news(follower: &mut Option<Follower>) -> News {
    match follower {
        Some(follower) => follower.news().await,
        None => std::future::pending().await,
    }
}

impl Daemon {
    pub(in crate::daemon) fn heed_git(&mut self, news: News) {
        let now = clock::now();
        let shown = self.git.as_ref().map_or("", Follower::shown).to_owned();
        let unreached = Problem::Repository {
            repository: shown.clone(),
        };
        let refused = Problem::Commit {
            repository: shown.clone(),
        };
        if let News::Failed { why } = news {
            if self.problems.set(unreached, &why, now) {
                self.tell(Event::GitFailed {
                    repository: shown,
                    why,
                });
            }
            return;
        }
        // What was refused before is not the newest any more, or is told again.
        self.problems.clear(&unreached);
        match news {
            News::Same => self.problems.clear(&refused),
            News::Switched {
                from,
                to,
                is_rewritten,
                is_confirmed,
            } => {
                self.problems.clear(&refused);
                self.tell(Event::GitSwitched {
                    repository: shown,
                    from,
                    to: to.commit().to_owned(),
                    is_rewritten,
                });
                self.commit = Some(to);
                if is_confirmed {
                    self.believe_gone();
                }
                self.renew();
                self.refresh();
            }
            News::Refused { commit, why } => {
                let text = format!("{} is not checked out: {why}", short(&commit));
                if self.problems.set(refused, &text, now) {
                    self.tell(Event::GitRefused { commit, why });
                }
            }
            News::Emptied { commit, gone, of } => {
                let commit = short(&commit);
                let text =
                    format!("{commit} is not checked out: {gone} of {of} campaigns are gone in it");
                if self.problems.set(refused, &text, now) {
                    self.tell(self.disappeared(gone, of));
                }
            }
            News::Failed { .. } => {}
        }
    }
}
