//! Progress on standard error, for a person at a terminal: how far, how fast, how long still.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that follows counters until it is finished.
pub struct Bar {
    bar: ProgressBar,
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Follows `read`, which says (done, expected, words), ten times a second. Draws nothing when quiet or when nobody looks.
pub fn follow(is_quiet: bool, is_bytes: bool, read: impl Fn() -> (u64, u64, String) + Send + 'static) -> Bar {
    let shown = !is_quiet && std::io::stderr().is_terminal();
    let bar = ProgressBar::with_draw_target(None, if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() });
    let template = if is_bytes {
        "{bar:24} {percent:>3} %  {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left  {msg}"
    } else {
        "{bar:24} {percent:>3} %  {human_pos} of {human_len}  {per_sec}  {eta} left  {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let ended = Arc::new(AtomicBool::new(false));
    let thread = shown.then(|| {
        let (bar, ended) = (bar.clone(), ended.clone());
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let (done, expected, words) = read();
                bar.set_length(expected.max(done));
                bar.set_position(done);
                bar.set_message(words);
                std::thread::park_timeout(Duration::from_millis(100));
            }
        })
    });
    Bar { bar, ended, thread }
}

impl Bar {
    /// Takes the bar away.
    pub fn finish(mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A thread that only draws has nothing to say when it failed.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
