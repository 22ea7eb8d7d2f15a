//! Vectors, lists, and what nobody here knows.

use super::*;

#[tokio::test]
async fn vectors_are_the_same_in_numbers_and_in_base64() {
    let mock = Mock::start(INSTANT).await;
    let mut body = json!({"model": "e", "input": ["a", "b"]});
    let plain = mock
        .send("POST", "/v1/embeddings", body.to_string())
        .await
        .json();
    assert_eq!(plain["data"][1]["index"], 1);
    let numbers = plain["data"][1]["embedding"].as_array().unwrap();
    assert_eq!(numbers.len(), 8);
    body["encoding_format"] = json!("base64");
    let coded = mock
        .send("POST", "/v1/embeddings", body.to_string())
        .await
        .json();
    let bytes = crate::mock::base64::decoded(coded["data"][1]["embedding"].as_str().unwrap());
    let (fours, _) = bytes.as_ref().unwrap().as_chunks::<4>();
    for (four, number) in fours.iter().zip(numbers) {
        let wide = f64::from(f32::from_le_bytes(*four));
        assert!((wide - number.as_f64().unwrap()).abs() < 1e-6, "{number}");
    }
    assert_eq!(fours.len(), 8);
    let one = json!({"content": {"parts": [{"text": "b"}]}});
    let path = "/v1beta/models/e:embedContent";
    let google = mock.send("POST", path, one.to_string()).await.json();
    assert_eq!(google["embedding"]["values"], plain["data"][1]["embedding"]);
    let batch = json!({"requests": [one, one]}).to_string();
    let path = "/v1beta/models/e:batchEmbedContents";
    let batch = mock.send("POST", path, batch).await.json();
    assert_eq!(batch["embeddings"][1], google["embedding"]);
    mock.end().await;
}

#[tokio::test]
async fn too_many_or_no_inputs_are_refused() {
    let mock = Mock::start(INSTANT).await;
    for input in [json!([]), json!(vec!["a"; 2_049]), Value::Null] {
        let body = json!({"model": "e", "input": input}).to_string();
        let reply = mock.send("POST", "/v1/embeddings", body).await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.json()["error"]["message"]
                .to_string()
                .contains("input")
        );
    }
    let tokens = json!({"model": "e", "input": [1, 2, 3]}).to_string();
    let reply = mock.send("POST", "/v1/embeddings", tokens).await.json();
    assert_eq!(reply["data"].as_array().unwrap().len(), 1, "tokens of one");
    mock.end().await;
}

#[tokio::test]
async fn what_nobody_knows_is_echoed_under_the_targets_law() {
    let mock = Mock::start(TWO).await;
    let path = "/a/v1/images/edits?x=1";
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\npaint\r\n--b--\r\n";
    let reply = mock.send("POST", path, form).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({"path": path, "method": "POST", "model": "paint", "bytes": form.len()})
    );
    let plain = mock.send("PATCH", "/a/v1/x", "{\"model\":\"m\"}").await;
    assert_eq!(plain.json()["model"], "m");
    let none = mock.send("GET", "/a/v1/files", "").await.json();
    assert_eq!((&none["model"], &none["bytes"]), (&Value::Null, &json!(0)));
    assert_eq!(mock.laws.stats("a").unwrap().answered, 3, "all counted");
    mock.send("PUT", "/a/_law", "error_rate = 1\nerror_ms = [0, 0]")
        .await;
    assert_eq!(mock.send("GET", "/a/v1/files", "").await.status, 500);
    assert_eq!(mock.send("GET", "/c/v1/files", "").await.status, 404);
    mock.end().await;
}
