/// Asks for passkeys (WebAuthn): a form with `data-passkey` is sent once the browser's answer is in its field `credential`.
/// Pages work without it: such forms are hidden until it has run.
const decode = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const withIds = (listed) => (listed ?? []).map((each) => ({ ...each, id: decode(each.id) }))

async function create(options) {
  const user = { ...options.user, id: decode(options.user.id) }
  const excludeCredentials = withIds(options.excludeCredentials)
  const publicKey = { ...options, challenge: decode(options.challenge), user, excludeCredentials }
  const made = await navigator.credentials.create({ publicKey })
  return toJson(made, { attestationObject: encode(made.response.attestationObject) })
}

async function request(options) {
  const publicKey = { ...options, challenge: decode(options.challenge), allowCredentials: withIds(options.allowCredentials) }
  const signed = await navigator.credentials.get({ publicKey })
  const { authenticatorData, signature, userHandle } = signed.response
  return toJson(signed, {
    authenticatorData: encode(authenticatorData),
    signature: encode(signature),
    ...(userHandle ? { userHandle: encode(userHandle) } : {}),
  })
}

function toJson(credential, response) {
  const { id, type } = credential
  return { id, rawId: id, type, response: { clientDataJSON: encode(credential.response.clientDataJSON), ...response } }
}

/// Browsers give passkeys to the server's own name only, and over https (or on this machine).
function isUsable(options) {
  const id = options.rpId ?? options.rp.id
  return window.PublicKeyCredential !== undefined && (location.hostname === id || location.hostname.endsWith(`.${id}`))
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const options = JSON.parse(form.dataset.options)
  const problem = form.querySelector('[data-problem]')
  if (!isUsable(options)) continue
  form.hidden = false
  document.querySelectorAll('[data-without-passkeys]').forEach((each) => { each.hidden = true })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    problem.textContent = ''
    const button = form.querySelector('button')
    button.disabled = true
    try {
      form.elements.credential.value = JSON.stringify(await (form.dataset.passkey === 'create' ? create : request)(options))
      form.submit()
    } catch (error) {
      button.disabled = false
      problem.textContent = error.name === 'InvalidStateError'
        ? 'This device has a passkey of your account already.'
        : 'The browser got no passkey. Try again, or go on without one.'
    }
  })
}
