// Package tokens says who asks: the same check of the bearer token as the server's own (auth/tokens.py).
//
// An ES256 signature is checked once per token and remembered until the token ends; whether its session is still open is asked of
// the database once a second and session at most.
package tokens

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const fresh = time.Second

const sessionIsOpen = `SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE'`

// ErrRefused says that a token is not good.
var ErrRefused = errors.New("the access token is not valid")

type viewer struct {
	userID, sessionID string
	ends              time.Time
}

type Tokens struct {
	pool     *pgxpool.Pool
	issuer   string
	keys     map[string]*ecdsa.PublicKey
	verified sync.Map // of viewers, by token
	open     sync.Map // of instants, by session
}

func Load(ctx context.Context, pool *pgxpool.Pool, issuer, secret string) (*Tokens, error) {
	tokens := &Tokens{pool: pool, issuer: issuer, keys: map[string]*ecdsa.PublicKey{}}
	rows, err := pool.Query(ctx, "SELECT kid, encrypted_jwk FROM signing_keys")
	if err != nil {
		return nil, err
	}
	var kid, encrypted string
	_, err = pgx.ForEachRow(rows, []any{&kid, &encrypted}, func() error {
		var jwk struct{ X, Y string }
		if err := decrypt(encrypted, secret, &jwk); err != nil {
			return err
		}
		x, errX := base64.RawURLEncoding.DecodeString(jwk.X)
		y, errY := base64.RawURLEncoding.DecodeString(jwk.Y)
		tokens.keys[kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
		return errors.Join(errX, errY)
	})
	return tokens, err
}

// Authenticate returns the user of an Authorization header.
func (t *Tokens) Authenticate(ctx context.Context, authorization string) (string, error) {
	token, found := strings.CutPrefix(authorization, "Bearer ")
	if !found {
		return "", ErrRefused
	}
	known, found := t.verified.Load(token)
	if !found {
		verified, err := t.verify(token)
		if err != nil {
			return "", err
		}
		known = verified
		t.verified.Store(token, verified)
	}
	now, who := time.Now(), known.(viewer)
	if !who.ends.After(now) {
		return "", ErrRefused
	}
	if asked, found := t.open.Load(who.sessionID); !found || now.Sub(asked.(time.Time)) >= fresh {
		var one int
		if err := t.pool.QueryRow(ctx, sessionIsOpen, who.sessionID).Scan(&one); err != nil {
			return "", ErrRefused
		}
		t.open.Store(who.sessionID, now)
	}
	return who.userID, nil
}

func (t *Tokens) verify(token string) (viewer, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return viewer{}, ErrRefused
	}
	var header struct{ Alg, Typ, Kid string }
	var claims struct {
		Iss, Aud, Sub, Sid string
		Exp                int64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || parse(parts[0], &header) != nil || parse(parts[1], &claims) != nil {
		return viewer{}, ErrRefused
	}
	key, hash := t.keys[header.Kid], sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	if header.Alg != "ES256" || header.Typ != "at+jwt" || key == nil || len(signature) != 64 ||
		!ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) ||
		claims.Iss != t.issuer || claims.Aud != t.issuer {
		return viewer{}, ErrRefused
	}
	return viewer{userID: claims.Sub, sessionID: claims.Sid, ends: time.Unix(claims.Exp, 0)}, nil
}

// A JWE (dir, A256GCM) under the key that auth/key_store.py derives from the deployment's secret.
func decrypt(jwe, secret string, into any) error {
	derived := hmac.New(sha256.New, []byte(secret))
	derived.Write([]byte("pantherahive signing keys"))
	block, err := aes.NewCipher(derived.Sum(nil))
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	parts := strings.Split(jwe, ".")
	nonce, errNonce := base64.RawURLEncoding.DecodeString(parts[2])
	text, errText := base64.RawURLEncoding.DecodeString(parts[3])
	tag, errTag := base64.RawURLEncoding.DecodeString(parts[4])
	if err := errors.Join(errNonce, errText, errTag); err != nil {
		return err
	}
	opened, err := gcm.Open(nil, nonce, append(text, tag...), []byte(parts[0]))
	if err != nil {
		return err
	}
	return json.Unmarshal(opened, into)
}

func parse(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
