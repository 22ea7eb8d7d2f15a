//! Paths mean what the providers' do.

use super::*;

fn post(what: What, model: Option<&str>, streams: bool) -> Place {
    let model = model.map(str::to_owned);
    Place::Post(Post {
        what,
        model,
        streams,
    })
}

#[test]
fn each_api_has_its_paths_with_and_without_a_target() {
    let chat = post(What::Answer(Dialect::Chat), None, false);
    let gemini = post(What::Answer(Dialect::Gemini), Some("g-2"), true);
    let amazon = post(What::Answer(Dialect::Converse), Some("a.b:0"), false);
    for (path, target, expected) in [
        ("/v1/chat/completions", "", &chat),
        ("/chat/completions", "", &chat),
        ("/eu/v1/chat/completions", "eu", &chat),
        ("/v1beta/models/g-2:streamGenerateContent", "", &gemini),
        ("/eu/v1/models/g-2:streamGenerateContent", "eu", &gemini),
        ("/model/a.b%3A0/converse", "", &amazon),
        ("/eu/v1/model/a.b%3a0/converse", "eu", &amazon),
        ("/v1/models", "", &Place::Models),
        ("/_law", "", &Place::Law),
        ("/eu/_stats", "eu", &Place::Stats),
        ("/eu/v1/files/7", "eu", &Place::Other),
    ] {
        assert_eq!(place(path), Some((target, expected.clone())), "{path}");
    }
    for path in ["/", "/v1/other", "", "//x", "/nothing"] {
        assert_eq!(place(path), None, "{path}");
    }
}

#[test]
fn broken_escapes_stay_as_they_are() {
    assert_eq!(unescaped("a%2Fb%"), "a/b%");
    assert_eq!(unescaped("%zz%41"), "%zzA");
}
