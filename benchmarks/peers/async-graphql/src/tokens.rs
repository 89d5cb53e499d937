//! Who asks: the same check of the bearer token as the server's own (auth/tokens.py).
//!
//! An ES256 signature is checked once per token and remembered until the token ends; whether its session is still open is asked of
//! the database once a second and session at most.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::PgPool;
use uuid::Uuid;

const FRESH: Duration = Duration::from_secs(1);
const SESSION_IS_OPEN: &str = "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE'";

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    exp: u64,
}

#[derive(Deserialize)]
struct Jwk {
    x: String,
    y: String,
}

#[derive(Clone, Copy)]
struct Verified {
    user_id: Uuid,
    session_id: Uuid,
    ends: u64,
}

pub struct Tokens {
    issuer: String,
    keys: HashMap<String, UnparsedPublicKey<Vec<u8>>>,
    verified: Mutex<HashMap<String, Verified>>,
    open: Mutex<HashMap<Uuid, Instant>>,
}

impl Tokens {
    pub async fn load(pool: &PgPool, issuer: String, secret: &[u8]) -> Result<Self, Box<dyn std::error::Error>> {
        let found: Vec<(String, String)> = sqlx::query_as("SELECT kid, encrypted_jwk FROM signing_keys").fetch_all(pool).await?;
        let mut keys = HashMap::new();
        for (kid, encrypted) in found {
            let jwk: Jwk = decrypt(&encrypted, secret).ok_or("a signing key cannot be decrypted")?;
            let mut point = vec![4];
            point.extend(URL_SAFE_NO_PAD.decode(jwk.x)?);
            point.extend(URL_SAFE_NO_PAD.decode(jwk.y)?);
            keys.insert(kid, UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point));
        }
        Ok(Self { issuer, keys, verified: Mutex::default(), open: Mutex::default() })
    }

    /// The user of an Authorization header; None for one that is not good.
    pub async fn authenticate(&self, pool: &PgPool, authorization: Option<&str>) -> Option<Uuid> {
        let token = authorization?.strip_prefix("Bearer ")?;
        let known = self.verified.lock().unwrap().get(token).copied();
        let viewer = match known {
            Some(viewer) => viewer,
            None => {
                let viewer = self.verify(token)?;
                self.verified.lock().unwrap().insert(token.to_owned(), viewer);
                viewer
            }
        };
        if viewer.ends <= SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() {
            return None;
        }
        let asked = self.open.lock().unwrap().get(&viewer.session_id).copied();
        if asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            sqlx::query(SESSION_IS_OPEN).bind(viewer.session_id).fetch_optional(pool).await.ok()??;
            self.open.lock().unwrap().insert(viewer.session_id, Instant::now());
        }
        Some(viewer.user_id)
    }

    fn verify(&self, token: &str) -> Option<Verified> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let Header { alg, typ, kid } = parsed(header)?;
        if alg != "ES256" || typ != "at+jwt" {
            return None;
        }
        self.keys.get(&kid)?.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let Claims { iss, aud, sub, sid, exp } = parsed(payload)?;
        (iss == self.issuer && aud == self.issuer).then_some(Verified { user_id: sub, session_id: sid, ends: exp })
    }
}

/// A JWE (dir, A256GCM) under the key that auth/key_store.py derives from the deployment's secret.
fn decrypt<T: DeserializeOwned>(jwe: &str, secret: &[u8]) -> Option<T> {
    let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"pantherahive signing keys");
    let [header, _, nonce, text, tag] = jwe.split('.').collect::<Vec<_>>().try_into().ok()?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(&URL_SAFE_NO_PAD.decode(nonce).ok()?).ok()?;
    let mut text = URL_SAFE_NO_PAD.decode(text).ok()?;
    text.extend(URL_SAFE_NO_PAD.decode(tag).ok()?);
    let opened = cipher.open_in_place(nonce, Aad::from(header.as_bytes()), &mut text).ok()?;
    serde_json::from_slice(opened).ok()
}

fn parsed<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
