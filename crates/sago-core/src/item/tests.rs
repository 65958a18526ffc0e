//! Lists of items, page by page.

use crate::accession::{self, NewAccession, deposit};
use crate::backup::tests::House;
use crate::ctx::{Clock, Ctx};
use crate::error::ErrorKind;
use crate::item::{Item, items};

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_make_the_same_list() {
    let house = House::build().await;
    let (repo, ctx) = house.open().await;
    for (name, files) in [("first", 4), ("second", 1), ("third", 3)] {
        let incoming = house.at(name);
        std::fs::create_dir(&incoming).unwrap();
        (0..files).for_each(|n| std::fs::write(incoming.join(n.to_string()), format!("{name} {n}")).unwrap());
        let new = NewAccession { sources: vec![incoming], contributor: "Someone".into(), title: name.into(), ..NewAccession::default() };
        deposit(&repo, &ctx, &new, &accession::Progress::default()).await.unwrap();
    }
    let numbers = |found: &[Item]| found.iter().map(|item| item.number.clone()).collect::<Vec<_>>();
    let all = items(&repo, &ctx, None, None, 100).await.unwrap();
    let mut sorted = numbers(&all);
    sorted.sort();
    assert_eq!((all.len(), numbers(&all)), (8, sorted));
    for limit in 1..=9 {
        let mut found: Vec<Item> = Vec::new();
        loop {
            let page = items(&repo, &ctx, None, found.last(), limit).await.unwrap();
            assert!(page.len() as u64 <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(numbers(&found), numbers(&all), "pages of {limit}");
    }
    let accession = all[0].accession;
    assert_eq!(numbers(&items(&repo, &ctx, Some(accession), Some(&all[1]), 100).await.unwrap()), numbers(&all[2..4]));
    assert_eq!(items(&repo, &ctx, Some(accession), Some(&all[3]), 100).await.unwrap().len(), 0);
    let stranger = Ctx { roles: Vec::new(), clock: Clock::System, ..ctx };
    assert_eq!(items(&repo, &stranger, None, None, 1).await.unwrap_err().kind, ErrorKind::Forbidden);
    repo.close().await;
}
