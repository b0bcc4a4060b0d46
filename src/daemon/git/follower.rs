//! Who looks at the repository every so often, beside everything else.

use super::{Checkout, News};
use std::io;
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
    pub fn start(checkout: Checkout, begun: Vec<News>, every: Duration) -> io::Result<Follower> {
        let (orders, orders_in) = mpsc::channel();
        let (told, news) = unbounded_channel();
        for each in begun {
            let _ = told.send(each);
        }
        let (shown, stop) = (checkout.shown(), checkout.stop());
        let thread = thread::Builder::new()
            .name("git".to_owned())
            .spawn(move || follow(checkout, &orders_in, every, &told))?;
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

fn follow(
    mut checkout: Checkout,
    orders: &Receiver<Order>,
    every: Duration,
    told: &UnboundedSender<News>,
) {
    let stop = checkout.stop();
    loop {
        let is_confirmed = match orders.recv_timeout(every) {
            Ok(Order::Confirm) => true,
            Ok(Order::Look) | Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let news = checkout.look(is_confirmed);
        // What was given up at the end is no news.
        if stop.load(Ordering::Relaxed) || told.send(news).is_err() {
            return;
        }
    }
}
