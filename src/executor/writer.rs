//! Group commit: whatever entries have gathered go to the disk together.

use crate::journal::{self, Journal, LOG_BYTES_MAX, Written};
use crate::seeded_bug::SeededBug;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Entries of one transaction.
const BATCH_MAX: usize = 1_000;
/// Entries that may wait for the disk; the dispatcher's own bounds keep it far below.
pub(super) const QUEUE_MAX: usize = 8_192;

/// Entries after which the write-ahead log is moved into the file. A commit counts as some more, for however few entries
/// it has, pages of every index go into the log.
const CHECKPOINT_AFTER: usize = 2_000;
const COMMIT_COUNTS: usize = 8;

/// Writes until the last sender is gone; says of each batch when it is durable. Ends at the first failure: nothing may
/// happen after an entry that could not be written.
pub(super) async fn write(
    journal: Journal,
    mut entries: mpsc::Receiver<Written>,
    durable: mpsc::Sender<Vec<Written>>,
) -> Result<(), journal::Error> {
    let mut batch = Vec::new();
    let mut checkpoints = JoinSet::new();
    let mut written = 0;
    while entries.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let is_early = SeededBug::DurableBeforeCommit.is_active();
        if is_early && durable.send(batch.clone()).await.is_err() {
            return Ok(());
        }
        journal.append(&batch).await?;
        written += COMMIT_COUNTS + batch.len();
        if written >= CHECKPOINT_AFTER {
            written = 0;
            // One that failed is made up for by the next, and by closing the journal.
            while checkpoints.try_join_next().is_some() {}
            if journal.log_bytes() > LOG_BYTES_MAX {
                // While commits go on, none beside them ever reaches the end of the log.
                let _ = journal.checkpoint_between_commits().await;
            }
            let journal = journal.clone();
            checkpoints.spawn(async move { journal.checkpoint().await });
        }
        let committed = std::mem::take(&mut batch);
        if !is_early && durable.send(committed).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
