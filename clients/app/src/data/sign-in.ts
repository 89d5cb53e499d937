/// Ways to sign in: with a password or a passkey here, or on the pages of the server, which come back to /app.
import { fromGranted, succeeded, type Credentials } from '@pantherahive/client'
import { PasskeyRequest, SignInWithPasskey } from '../graph/operations'
import { ROOT } from '../router'
import { client } from './session'
import { Store } from './store'

export interface SignInConfig {
  people: readonly { name: string; email: string; password: string }[]
  /** The authorization server, and which client of it this page is. */
  oauth: { issuer: string; clientId: string }
}

/** Why the pages of the server signed nobody in. */
export const refusal = new Store<string | null>(null)

const RETURN_KEY = 'pantherahive.app.return'

/** Passkeys are made for names of servers; a numeric address has none. */
export const hasPasskeys =
  typeof PublicKeyCredential === 'function' &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential &&
  !/^[\d.]+$|^\[/.test(location.hostname)

/** Whether the pages of the server can be left for and come back from. */
export function hasServerPages({ oauth }: SignInConfig): boolean {
  return isSecureContext && new URL(oauth.issuer).origin === location.origin
}

export async function loadConfig(): Promise<SignInConfig> {
  return (await fetch(`${ROOT}/config.json`)).json()
}

/** Leaves for the pages of the server. */
export async function beginSignIn({ issuer, clientId }: SignInConfig['oauth']): Promise<void> {
  sessionStorage.setItem(RETURN_KEY, location.pathname + location.search)
  await client.startSignIn({ clientId, redirectUri: issuer + ROOT, prompt: 'select_account' })
}

/** Signs in whom the pages of the server have sent back, and shows the page that was left. */
export async function finishSignIn(): Promise<void> {
  if (location.pathname !== ROOT || !new URLSearchParams(location.search).has('state')) return
  try {
    if (!(await client.finishSignIn())) refusal.set('This sign-in was not begun in this window.')
  } catch (error) {
    refusal.set(error instanceof Error ? error.message : String(error))
  }
  history.replaceState(null, '', sessionStorage.getItem(RETURN_KEY) ?? ROOT)
  sessionStorage.removeItem(RETURN_KEY)
}

/** Signs in with a passkey: alone, or as the second factor after a password. */
export async function signInWithPasskey(password?: Pick<Credentials, 'email' | 'password'>): Promise<void> {
  const { options } = succeeded((await client.request(PasskeyRequest)).passkeyRequestCreate)
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON)
  const signed = await navigator.credentials.get({ publicKey }).catch(() => null)
  if (!(signed instanceof PublicKeyCredential)) throw new Error('The browser got no passkey.')
  const credential = signed.toJSON()
  if (password) return client.signIn({ ...password, credential })
  const { tokens } = succeeded((await client.request(SignInWithPasskey, { credential })).sessionCreateWithPasskey)
  if (tokens) client.session.set(fromGranted(tokens))
}
