//! Opening a file contained in an item: it is taken out of the original anew, by the same readers, and compared with the digest of the first time.

use std::io::Read;
use std::path::Path;

use sago_formats::{Child, Part, Sink, Stop, Taken};
use sha2::{Digest, Sha256};

use crate::ctx::{Ctx, Right};
use crate::error::{Error, IoContext, Result};
use crate::item::Item;
use crate::ledger::event::{ItemOpened, ItemOpenedDetail};
use crate::reading::family::{FamilyLine, Member};
use crate::reading::scratch::Scratch;
use crate::reading::{bounds, one, open_family, program};
use crate::repository::Repository;
use crate::store::durable;

/// Opens a file contained in an item (`A-2026-0001.00017/3/1`): writes its exact bytes to a new file. Entered before the first byte is released.
pub async fn open_member(repo: &Repository, ctx: &Ctx, name: &str, reason: &str, output: &Path) -> Result<(Item, Member)> {
    ctx.require(Right::Open)?;
    let (number, path) =
        name.split_once('/').ok_or_else(|| Error::invalid("A contained file is named by its item and its place in it: A-2026-0001.00017/3."))?;
    let absent = || Error::not_found(format!("There is no {name} here.")).hint("`sago text NUMBER` lists what an item contains.");
    if path.split('/').any(|step| step.is_empty() || !step.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(absent());
    }
    if reason.trim().is_empty() {
        return Err(Error::invalid("Opening a file needs a reason.").hint("Add `--reason TEXT`: it is entered in the log."));
    }
    if output.exists() {
        return Err(Error::conflict(format!("{} exists already.", output.display())).hint("Name a file that does not exist: nothing is overwritten."));
    }
    repo.places.refuse_inside(output)?;
    let item = crate::item::find(repo, number).await?;
    let mut member = None;
    for line in open_family(repo, &item).await? {
        if let FamilyLine::Member(found) = line?
            && found.path == path
        {
            member = Some(found);
        }
    }
    let member = member.ok_or_else(absent)?;
    let mut tx = repo.begin().await?;
    let detail = ItemOpenedDetail { number: name.to_owned(), reason: reason.to_owned() };
    tx.append(item.unit, ItemOpened { item: item.id, accession: item.accession }.with(detail));
    tx.commit(ctx).await?;
    repo.integrate(ctx).await?;
    tokio::task::block_in_place(|| release(repo, &item, &member, name, output))?;
    Ok((item, member))
}

fn release(repo: &Repository, item: &Item, member: &Member, name: &str, output: &Path) -> Result<()> {
    let Some(line) = &item.line else { return Err(Error::internal("an item of a sealed unit was opened")) };
    let (program, bounds) = (program(), bounds(repo));
    let mut scratch = one::original(repo, item, line)?;
    let mut own_name = line.path.rsplit('/').next().unwrap_or(&line.path).to_owned();
    for step in member.path.split('/') {
        let wanted = step.parse().map_err(|_| Error::corrupt("A place in a container is no number."))?;
        let mut catcher = Catcher { wanted, seen: 0, folder: &repo.places.staging, caught: None, failed: None };
        let read = sago_sandbox::read(&program, &bounds, &mut scratch, &own_name, &mut catcher);
        if let Some(error) = catcher.failed {
            return Err(error);
        }
        read.map_err(one::refused)?;
        let gone = || Error::corrupt(format!("{name} could not be taken out again: what contains it gave fewer files than the first time."));
        (own_name, scratch) = catcher.caught.ok_or_else(gone)?;
    }
    let mut file = durable::Unnamed::create(output)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        let count = scratch.read(&mut block).doing("Could not read", Path::new("a temporary file"))?;
        if count == 0 {
            break;
        }
        hasher.update(&block[..count]);
        std::io::Write::write_all(&mut file.writer(), &block[..count]).doing("Could not write", output)?;
    }
    if hex::encode(hasher.finalize()) != member.sha256 {
        return Err(Error::corrupt(format!("{name} came out with other bytes than the first time. Nothing was released."))
            .hint(format!("`sago read {} --again` reads it anew; another version of Sago may take files out differently.", item.number)));
    }
    file.finish()
}

/// Takes one contained file and lets the others go by.
struct Catcher<'a> {
    wanted: u64,
    seen: u64,
    folder: &'a Path,
    caught: Option<(String, Scratch)>,
    failed: Option<Error>,
}

impl Sink for Catcher<'_> {
    fn part(&mut self, _: Part) -> std::result::Result<(), Stop> {
        Ok(())
    }

    fn child(&mut self, child: Child, bytes: &mut dyn Read) -> std::result::Result<Taken, Stop> {
        self.seen += 1;
        if self.seen != self.wanted {
            return Ok(Taken { bytes: 0, is_whole: true });
        }
        match Scratch::fill(self.folder, bytes) {
            Ok((scratch, _)) => {
                let name = child.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
                self.caught = Some((name, scratch));
                Err(Stop::Limit)
            }
            Err(error) => {
                self.failed = Some(error);
                Err(Stop::Io(std::io::Error::other("what was taken out could not be kept")))
            }
        }
    }
}
