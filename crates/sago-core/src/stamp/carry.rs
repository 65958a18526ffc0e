//! Time-stamps for a site without a network: queries out in a folder, replies back in it.
//!
//! The queries are also kept in the repository, so that a reply is known as ours by more than what comes back in the folder.

use std::path::Path;

use sago_ledger::checkpoint::Checkpoint;
use sago_ledger::note::Note;

use super::authority::{Judge, configured};
use super::folder::{CHECKPOINT, Folder, file_name, names_in, read};
use super::query::Query;
use super::round::{Failure, Need, Replies, Round};
use super::{Algorithm, Stamped};
use crate::ctx::{Ctx, Right};
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::store::durable;

/// Name of the script that asks, for a machine with a network, a shell and curl.
const SCRIPT: &str = "ask.sh";

/// What was written to be carried out.
#[derive(Debug)]
pub struct Carried {
    /// Entries of the log under the checkpoint.
    pub size: u64,
    /// What has to be asked. Empty: nothing, and the folder was not made.
    pub questions: Vec<Question>,
    /// Authorities for which nothing was written: stamped already, or in error.
    pub others: Vec<Stamped>,
}

/// The queries for one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub authority: String,
    /// Where the queries go.
    pub url: String,
    /// Names of the query's file and of the reply's, for each query.
    pub files: Vec<(String, String)>,
}

impl Question {
    /// One command of a shell for each query, to be run in the folder.
    pub fn commands(&self) -> Vec<String> {
        let url = self.url.replace('\'', r"'\''");
        let command = |(query, reply): &(String, String)| {
            format!(
                "curl --fail --silent --show-error --max-time 60 --header 'Content-Type: application/timestamp-query' --data-binary @{query} --output {reply} '{url}'"
            )
        };
        self.files.iter().map(command).collect()
    }
}

/// Writes the checkpoint, the queries that are missing and a script that asks them to a folder that is absent or empty.
///
/// Idempotent: queries over the same checkpoint are the same ones, so that any carried copy may come back.
pub async fn write_queries(repo: &Repository, ctx: &Ctx, dir: &Path) -> Result<Carried> {
    ctx.require(Right::Check)?;
    let judges = configured(repo)?;
    if !names_in(&dir.into())?.is_empty() {
        return Err(
            Error::conflict(format!("{} is not empty.", dir.display())).hint("Name a folder that does not exist yet, or an empty one. Nothing was written.")
        );
    }
    let mut round = Round::begin(repo, ctx).await?;
    let size = round.head().size;
    let mut others = round.take_left_over(&judges)?;
    let (mut questions, mut files) = (Vec::new(), Vec::new());
    let folder = round.head_folder();
    for (name, judge) in judges {
        let need = match judge {
            Ok(judge) => round.need(&judge).await.map(|need| (judge, need)),
            Err(error) => Err(error.into()),
        };
        match need {
            Ok((_, Need::Nothing(stamped))) => others.push(stamped),
            Ok((judge, Need::Ask(queries))) => {
                let note = round.note_of(&folder)?;
                let bytes: Vec<_> = queries.iter().map(|(algorithm, query)| (*algorithm, query.bytes.as_slice())).collect();
                folder.keep_queries(&note, &name, &bytes)?;
                let mut names = Vec::new();
                for (algorithm, query) in bytes {
                    let asked = file_name(&name, algorithm, "tsq");
                    files.push((dir.join(&asked), query.to_vec()));
                    names.push((asked, file_name(&name, algorithm, "tsr")));
                }
                questions.push(Question { authority: name, url: judge.url, files: names });
            }
            Err(failure) => others.push(Stamped::new(&name, size, Err(failure))),
        }
    }
    if !questions.is_empty() {
        files.push((dir.join(CHECKPOINT), round.note_of(&folder)?));
        files.push((dir.join(SCRIPT), script(&questions).into_bytes()));
        durable::write_all(&files)?;
    }
    round.finish().await?;
    Ok(Carried { size, questions, others })
}

fn script(questions: &[Question]) -> String {
    let mut text = "#!/bin/sh\n# Run this where there is a network: it writes the authorities' replies (.tsr) beside their queries (.tsq).\n\
                    # Then carry the folder back: sago stamp --reply DIR\ncd \"$(dirname \"$0\")\" || exit 2\nstatus=0\n"
        .to_owned();
    for command in questions.iter().flat_map(Question::commands) {
        text.push_str(&command);
        text.push_str(" || status=1\n");
    }
    text.push_str("exit $status\n");
    text
}

/// Takes the replies that were carried back, verifies them, keeps them and enters them. Answers every authority that was asked.
///
/// Idempotent: a folder taken twice changes nothing the second time. The log may have grown since the queries were written.
pub async fn take_replies(repo: &Repository, ctx: &Ctx, dir: &Path) -> Result<Vec<Stamped>> {
    ctx.require(Right::Check)?;
    let judges = configured(repo)?;
    let names = names_in(&dir.into())?;
    if !names.iter().any(|name| name.ends_with(".tsr")) {
        return Err(Error::not_found(format!("There is no reply (.tsr) in {}.", dir.display()))
            .hint("Every reply must have the name of its query, with .tsr in place of .tsq. `sh ask.sh` names them so."));
    }
    let mut round = Round::begin(repo, ctx).await?;
    let folder = carried_folder(repo, &round, dir)?;
    let mut answers = round.take_left_over(&judges)?;
    answers.retain(|answer| answer.size != folder.size);
    for (name, judge) in &judges {
        let mut of_authority = names.iter().filter(|file| is_reply_of(file, name));
        let was_asked = folder.query(name, Algorithm::Sha256)?.is_some() || folder.query(name, Algorithm::Sha512)?.is_some();
        if of_authority.next().is_none() && !was_asked {
            continue;
        }
        let outcome = match judge {
            Ok(judge) => carried_replies(&round, &folder, judge, dir).and_then(|replies| round.accept(&folder, judge, &replies)),
            Err(error) => Err(error.clone().into()),
        };
        answers.push(Stamped::new(name, folder.size, outcome));
    }
    for file in names.iter().filter(|file| file.ends_with(".tsr")) {
        if !judges.iter().any(|(name, _)| is_reply_of(file, name)) {
            let error = Error::invalid(format!("The reply {file} is of no configured authority. Nothing of it was kept."))
                .hint("Replies are named NAME.sha256.tsr and NAME.sha512.tsr, with the name of an [[authority]] in sago.toml.");
            answers.push(Stamped::new(file, folder.size, Err(error.into())));
        }
    }
    round.finish().await?;
    Ok(answers)
}

fn is_reply_of(file: &str, authority: &str) -> bool {
    Algorithm::ALL.iter().any(|algorithm| file == file_name(authority, *algorithm, "tsr"))
}

/// The folder of the checkpoint that was carried out; it must be one that this repository signed, byte for byte.
fn carried_folder(repo: &Repository, round: &Round<'_>, dir: &Path) -> Result<Folder> {
    let place = dir.join(CHECKPOINT);
    let note = read(&place)?.ok_or_else(|| {
        Error::not_found(format!("There is no `checkpoint` in {}.", dir.display()))
            .hint("Put the file `checkpoint` that was carried out back beside the replies.")
    })?;
    let unknown = || {
        Error::invalid(format!("{} is not a checkpoint for which this repository wrote queries.", place.display()))
            .hint("Take the folder that `sago stamp --query DIR` of this repository wrote, or write a new one. Nothing was kept.")
    };
    let parsed = Note::parse(&note).map_err(|_| unknown())?;
    let checkpoint = Checkpoint::parse(parsed.text()).map_err(|_| unknown())?;
    if checkpoint.origin != round.head().origin {
        return Err(unknown().hint("If the repository was restored from a backup since, its log has begun anew."));
    }
    let folder = Folder::of(&repo.places, &checkpoint.origin, checkpoint.size);
    if folder.checkpoint()?.is_none_or(|kept| kept != note) {
        return Err(unknown());
    }
    round.note_of(&folder)?;
    Ok(folder)
}

/// The replies of one authority that are not yet kept; each must be there, with the query we kept for it.
fn carried_replies(round: &Round<'_>, folder: &Folder, judge: &Judge, dir: &Path) -> Result<Replies, Failure> {
    let note = round.note_of(folder)?;
    let mut replies = Vec::new();
    for algorithm in Algorithm::ALL {
        if folder.reply(&judge.name, algorithm)?.is_some() {
            continue;
        }
        let kept = folder.query(&judge.name, algorithm)?;
        let query = kept.and_then(|bytes| Query::read(&bytes, &algorithm.imprint(&note)));
        let query = query.ok_or_else(|| {
            Error::invalid(format!("This repository keeps no query to “{}” over that checkpoint. Nothing was kept.", judge.name))
                .hint("Write new queries with `sago stamp --query DIR`.")
        })?;
        let name = file_name(&judge.name, algorithm, "tsr");
        let reply = read(&dir.join(&name))?.ok_or_else(|| {
            Error::not_found(format!("The reply {name} of “{}” is missing. Nothing of that authority was kept.", judge.name))
                .hint("Ask it again (`sh ask.sh`), and carry the folder back with both replies.")
        })?;
        replies.push((algorithm, query, reply));
    }
    Ok(replies)
}
