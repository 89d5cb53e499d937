// Who asks: the same check of the bearer token as the server's own (auth/tokens.py), for peers that run on Node.
//
// An ES256 signature is checked once per token and remembered until the token ends; whether its session is still open is asked of
// the database once a second and session at most.

import { createDecipheriv, createHmac, createPublicKey, verify } from "node:crypto";

const FRESH_MS = 1000;
const SESSION_IS_OPEN = {
  name: "session_is_open",
  text: `SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE'`,
};

export class Refused extends Error {
  statusCode = 401;
}

export async function tokens(pool, issuer) {
  const { rows } = await pool.query("SELECT kid, encrypted_jwk FROM signing_keys");
  const keys = new Map(
    rows.map(({ kid, encrypted_jwk }) => {
      const { d: _, ...jwk } = decrypted(encrypted_jwk);
      return [kid, createPublicKey({ key: jwk, format: "jwk" })];
    }),
  );
  const verified = new Map();
  const open = new Map();

  function verifyNow(token) {
    const [header, payload, signature] = token.split(".");
    const { alg, typ, kid } = parsed(header);
    const key = keys.get(kid);
    if (alg !== "ES256" || typ !== "at+jwt" || key === undefined) throw new Refused("The access token is not valid.");
    const signed = Buffer.from(`${header}.${payload}`);
    if (!verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"))) {
      throw new Refused("The access token is not valid.");
    }
    const { iss, aud, sub, sid, exp } = parsed(payload);
    if (iss !== issuer || aud !== issuer) throw new Refused("The access token is not valid.");
    return { userId: sub, sessionId: sid, ends: exp * 1000 };
  }

  // The viewer of an Authorization header; throws Refused.
  return async function authenticate(authorization) {
    if (!authorization?.startsWith("Bearer ")) throw new Refused("Sign in first.");
    const token = authorization.slice(7);
    let viewer = verified.get(token);
    if (viewer === undefined) {
      viewer = verifyNow(token);
      verified.set(token, viewer);
    }
    const now = Date.now();
    if (viewer.ends <= now) throw new Refused("The access token has ended.");
    if ((open.get(viewer.sessionId) ?? 0) + FRESH_MS <= now) {
      const { rowCount } = await pool.query({ ...SESSION_IS_OPEN, values: [viewer.sessionId] });
      if (rowCount === 0) throw new Refused("The session has ended.");
      open.set(viewer.sessionId, now);
    }
    return viewer;
  };
}

// A JWE (dir, A256GCM) under the key that auth/key_store.py derives from the deployment's secret.
function decrypted(jwe) {
  const key = createHmac("sha256", process.env.HIVE_SECRET_KEY).update("pantherahive signing keys").digest();
  const [header, , iv, text, tag] = jwe.split(".");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(iv, "base64url"));
  decipher.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, "base64url"));
  return JSON.parse(Buffer.concat([decipher.update(Buffer.from(text, "base64url")), decipher.final()]).toString());
}

function parsed(part) {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString());
}
