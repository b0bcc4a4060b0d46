//! Who looks at the repository every so often, beside everything else.

use super::{Checkout, News};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The thread that keeps a checkout in step: git is waited for there and nowhere else.
pub struct Follower {
    orders: Sender<Order>,
    news: UnboundedReceiver<News>,
    is_over: bool,
    shown: String,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Look,
    /// Campaigns are meant to be gone.
    Confirm,
}

impl Follower {
    /// `begun`: what is news already.
    pub fn start(
        mut checkout: Checkout,
        begun: Vec<News>,
        every: Duration,
    ) -> io::Result<Follower> {
        let (orders, orders_in) = mpsc::channel();
        let (told, news) = unbounded_channel();
        for each in begun {
            let _ = told.send(each);
        }
        let (shown, stop) = (checkout.shown(), checkout.stop());
        let thread = thread::Builder::new()
            .name("git".to_owned())
            .spawn(move || {
                let stop = checkout.stop();
                follow(
                    |is_confirmed| checkout.look(is_confirmed),
                    &stop,
                    &orders_in,
                    every,
                    &told,
                );
            })?;
        Ok(Follower {
            orders,
            news,
            is_over: false,
            shown,
            stop,
            thread,
        })
    }

    /// What is followed, for people.
    pub(in crate::daemon) fn shown(&self) -> &str {
        &self.shown
    }

    /// Waits for the next. Dropping the future loses nothing.
    pub(in crate::daemon) async fn news(&mut self) -> News {
        if self.is_over {
            return std::future::pending().await;
        }
        if let Some(news) = self.news.recv().await {
            return news;
        }
        self.is_over = true;
        let why = "it is not followed any more; start the daemon anew".to_owned();
        News::Failed { why }
    }

    /// It is looked now.
    pub(in crate::daemon) fn look(&self) {
        let _ = self.orders.send(Order::Look);
    }

    /// It is looked now, and believed that campaigns are gone.
    pub(in crate::daemon) fn confirm(&self) {
        let _ = self.orders.send(Order::Confirm);
    }

    /// Nothing more is fetched.
    pub(in crate::daemon) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until it has ended, which takes no longer than git does.
    pub(in crate::daemon) fn end(self) {
        self.stop();
        drop(self.orders);
        let _ = self.thread.join();
    }
}

/// Looks at the repository until it is told to stop. A look that panics is one that failed: the panic hook reports it, and
/// the next look comes at its time.
fn follow(
    mut look: impl FnMut(bool) -> News,
    stop: &AtomicBool,
    orders: &Receiver<Order>,
    every: Duration,
    told: &UnboundedSender<News>,
) {
    loop {
        let first = match orders.recv_timeout(every) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // All orders that have arrived are answered by one look.
        let mut asked = first.into_iter().chain(orders.try_iter());
        let is_confirmed = asked.any(|order| matches!(order, Order::Confirm));
        asked.for_each(drop);
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let looked = panic::catch_unwind(AssertUnwindSafe(|| look(is_confirmed)));
        let news = looked.unwrap_or_else(|_| News::Failed {
            why: "a bug in the program kept it from looking; it looks again".to_owned(),
        });
        // What was given up at the end is no news.
        if stop.load(Ordering::Relaxed) || told.send(news).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_that_panics_is_reported_as_a_failure_and_followed_by_the_next() {
        let (told, mut news) = unbounded_channel();
        let (_orders, orders_in) = mpsc::channel();
        let stop = AtomicBool::new(false);
        let mut looks = 0;
        let look = |_| {
            looks += 1;
            assert!(looks > 1, "the first look panics");
            stop.store(looks == 3, Ordering::Relaxed);
            News::Failed {
                why: "the network is down".to_owned(),
            }
        };
        follow(look, &stop, &orders_in, Duration::from_millis(1), &told);
        drop(told);
        let why = |news| match news {
            News::Failed { why } => why,
            other => panic!("{other:?}"),
        };
        let first = why(news.blocking_recv().unwrap());
        assert!(first.contains("a bug in the program"), "{first}");
        let second = why(news.blocking_recv().unwrap());
        assert_eq!(second, "the network is down");
        assert_eq!(news.blocking_recv(), None);
    }
}
