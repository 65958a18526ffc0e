//! `sago stamp`: time-stamps over the log's checkpoint, over the network or by a folder that is carried.

use std::path::{Path, PathBuf};

use clap::Args;
use sago_core::Result;
use sago_core::ctx::Ctx;
use sago_core::repository::Repository;
use sago_core::stamp::{self, Listed, Stamped, State, Token};
use serde_json::{Value, json};

use super::{Common, Done, out};

/// Arguments of `sago stamp`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Stamp {
    /// Write the queries to a folder (absent or empty) to be carried to a machine with a network.
    #[arg(long, value_name = "DIR")]
    query: Option<PathBuf>,
    /// Take the replies that were carried back in that folder.
    #[arg(long, value_name = "DIR")]
    reply: Option<PathBuf>,
    /// List the time-stamps that are kept, and until when they hold.
    #[arg(long)]
    list: bool,
}

impl Stamp {
    pub async fn run(self, common: &Common) -> Result<Done> {
        let (repo, ctx) = common.open().await?;
        let done = if self.list {
            list(common, &repo, &ctx).await?
        } else if let Some(dir) = &self.query {
            write_queries(common, &repo, &ctx, dir).await?
        } else if let Some(dir) = &self.reply {
            show_all(common, &stamp::take_replies(&repo, &ctx, dir).await?)
        } else {
            show_all(common, &stamp::stamp_now(&repo, &ctx).await?)
        };
        repo.close().await;
        Ok(done)
    }
}

async fn write_queries(common: &Common, repo: &Repository, ctx: &Ctx, dir: &Path) -> Result<Done> {
    let carried = stamp::write_queries(repo, ctx, dir).await?;
    for question in &carried.questions {
        if common.json {
            let queries: Vec<_> = question.files.iter().map(|(query, _)| query).collect();
            let replies: Vec<_> = question.files.iter().map(|(_, reply)| reply).collect();
            out::object(&json!({
                "authority": question.authority, "size": carried.size, "dir": dir, "url": question.url, "queries": queries, "replies": replies,
                "commands": question.commands(),
            }));
        } else {
            out::line(format!("Wrote {} queries for {} to {}.", question.files.len(), question.authority, dir.display()));
        }
    }
    if !common.json && !carried.questions.is_empty() {
        out::line("  Carry the folder to a machine with a network and curl, and run there:  sh ask.sh");
        out::line("  It holds only digests and signatures of the log, nothing of what was received.");
        out::line(format!("  Then carry it back:  sago stamp --reply {}", dir.display()));
    }
    Ok(show_all(common, &carried.others))
}

/// Shows what came of each authority; one that failed makes the whole end with findings.
fn show_all(common: &Common, answers: &[Stamped]) -> Done {
    let mut done = Done::Sound;
    for answer in answers {
        let findings: Vec<Value> = answer.findings.iter().map(finding).collect();
        match &answer.result {
            Ok(received) if common.json => {
                for token in &received.tokens {
                    let mut object = token_object(&answer.authority, answer.size, token);
                    object["is_new"] = received.is_new.into();
                    object["findings"] = findings.clone().into();
                    out::object(&object);
                }
            }
            Ok(received) => show_received(answer, &received.tokens, received.is_new),
            Err(error) => {
                done = Done::WithFindings;
                if common.json {
                    out::object(&json!({
                        "authority": answer.authority, "size": answer.size, "trusted": false, "message": error.message, "hints": error.hints,
                        "findings": findings,
                    }));
                }
                out::error(error, false);
            }
        }
    }
    done
}

fn show_received(answer: &Stamped, tokens: &[Token], is_new: bool) {
    let what = if is_new { "stamped the log at" } else { "had stamped what there is, at" };
    out::line(format!("{} {what} {} entries.", answer.authority, answer.size));
    for token in tokens {
        out::line(format!("  {}  {}  by {}; renew before {}", token.algorithm.name(), token.gen_time, token.tsa, token.renew_before));
    }
    for finding in &answer.findings {
        out::line(format!("  {finding}"));
    }
    if is_new {
        out::line("  Verified against its anchor, kept, and entered in the log.");
    } else {
        out::line("  Nothing was asked.");
    }
}

async fn list(common: &Common, repo: &Repository, ctx: &Ctx) -> Result<Done> {
    let listed = stamp::list(repo, ctx).await?;
    let is_broken = listed.iter().any(|one| matches!(one.state, State::Broken(_)));
    if common.json {
        for one in &listed {
            out::object(&listed_object(one));
        }
    } else if listed.is_empty() {
        out::line("No time-stamps are kept.");
    } else {
        let rows: Vec<_> = listed.iter().map(listed_row).collect();
        out::table(&["Log", "Entries", "Authority", "Digest", "Time", "Renew before", "State"], &rows);
    }
    Ok(if is_broken { Done::WithFindings } else { Done::Sound })
}

fn listed_row(one: &Listed) -> Vec<String> {
    let mut row = vec![one.generation.to_string(), one.size.to_string(), one.authority.clone(), one.algorithm.name().to_owned()];
    let state = match &one.state {
        State::Holds(token) => {
            row.extend([token.gen_time.to_string(), token.renew_before.to_string()]);
            if token.trusted { "sound".to_owned() } else { "holds; no anchor here vouches for it".to_owned() }
        }
        State::Broken(findings) => {
            row.extend(["-".to_owned(), "-".to_owned()]);
            let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
            format!("BROKEN: {}", codes.join(", "))
        }
    };
    let entered = if one.is_entered { "" } else { "; not in the log yet: run `sago stamp`" };
    row.push(format!("{state}{entered}"));
    row
}

fn listed_object(one: &Listed) -> Value {
    let mut object = match &one.state {
        State::Holds(token) => token_object(&one.authority, one.size, token),
        State::Broken(findings) => {
            let findings: Vec<_> = findings.iter().map(finding).collect();
            json!({ "authority": one.authority, "size": one.size, "imprint": one.algorithm.name(), "trusted": false, "findings": findings })
        }
    };
    object["generation"] = one.generation.into();
    object["is_entered"] = one.is_entered.into();
    object
}

fn token_object(authority: &str, size: u64, token: &Token) -> Value {
    json!({
        "authority": authority, "size": size, "imprint": token.algorithm.name(), "gen_time": token.gen_time.to_string(), "tsa": token.tsa,
        "trusted": token.trusted, "renew_before": token.renew_before.to_string(), "token_sha256": token.token_sha256,
    })
}

fn finding(finding: &sago_stamp::Finding) -> Value {
    json!({ "code": finding.code, "path": finding.path, "message": finding.message, "severity": finding.severity.to_string() })
}
