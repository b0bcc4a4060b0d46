//! Group commit: whatever entries have gathered go to the disk together.

use crate::journal::{self, Journal, RunId, Written};
use tokio::sync::mpsc;

/// Entries of one transaction.
const BATCH_MAX: usize = 1_000;
/// Entries that may wait for the disk; the dispatcher's own bounds keep it far below.
pub(super) const QUEUE_MAX: usize = 8_192;

/// Writes until the last sender is gone; says of each batch when it is durable. Ends at the first failure: nothing may
/// happen after an entry that could not be written.
pub(super) async fn write(
    journal: Journal,
    run: RunId,
    mut entries: mpsc::Receiver<Written>,
    durable: mpsc::Sender<Vec<Written>>,
) -> Result<(), journal::Error> {
    let mut batch = Vec::new();
    while entries.recv_many(&mut batch, BATCH_MAX).await > 0 {
        journal.append(run, &batch).await?;
        if durable.send(std::mem::take(&mut batch)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
