//! The dashboard's files: what they may do, and that they are asked for once.

use super::world::World;

/// The value of a header in the head of an answer, which is in lower case.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines();
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[tokio::test]
async fn the_page_may_load_from_here_alone() {
    let world = World::start().await;
    let page = world.ask("GET", "/").await;
    assert_eq!(page.status, 200, "{}", page.head);
    assert_eq!(
        header(&page.head, "content-type"),
        "text/html; charset=utf-8"
    );
    assert_eq!(header(&page.head, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page.head, "referrer-policy"), "no-referrer");
    let policy = header(&page.head, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for inline in ["<style", "style=", "onclick=", "http://", "https://"] {
        assert!(!page.body.contains(inline), "{inline} in the page");
    }
}

#[tokio::test]
async fn what_the_page_names_is_there() {
    let world = World::start().await;
    let page = world.ask("GET", "/").await.body;
    let named: Vec<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert!(named.len() >= 3, "a script, a style, an icon: {named:?}");
    for path in named.into_iter().chain(["/assets/licences.txt"]) {
        let got = world.ask("GET", path).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(!got.body.is_empty(), "{path}");
        let head = world.ask("HEAD", path).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn a_browser_that_has_a_file_does_not_get_it_again() {
    let world = World::start().await;
    let path = "/assets/dashboard.js";
    let first = world.ask("GET", path).await;
    let tag = header(&first.head, "etag").to_owned();
    for held in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
        let again = world
            .send("GET", path, &[("if-none-match", &held)], "")
            .await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{held}");
        assert_eq!(header(&again.head, "etag"), tag);
    }
    let other = world
        .send("GET", path, &[("if-none-match", "\"0\"")], "")
        .await;
    assert_eq!((other.status, other.body), (200, first.body));
}

#[tokio::test]
async fn other_files_and_other_names_get_nothing() {
    let world = World::start().await;
    for path in ["/assets/", "/assets/package.json", "/assets/../index.html"] {
        assert_eq!(world.ask("GET", path).await.status, 404, "{path}");
    }
    assert_eq!(world.ask("POST", "/").await.status, 405);
    let rebound = world
        .send("GET", "/", &[("host", "evil.example")], "")
        .await;
    assert_eq!(rebound.status, 403, "a page under another's name");
}
