/** Global ids: the base64 of a type's name, a colon and a UUID. Objects that are created offline get theirs from the client. */

/** `toGlobalId('Task', '0197a3b2-…')`. */
export function toGlobalId(type: string, uuid: string): string {
  return btoa(`${type}:${uuid}`)
}

/** The type and UUID of a global id; throws a TypeError for what is none. */
export function fromGlobalId(id: string): { type: string; uuid: string } {
  let text = ''
  try {
    text = atob(id)
  } catch {
    // Not base64: it has no colon either.
  }
  const found = /^(\w+):([0-9a-f-]{36})$/i.exec(text)
  if (!found) throw new TypeError(`${JSON.stringify(id)} is no global id`)
  return { type: found[1]!, uuid: found[2]!.toLowerCase() }
}

/** A UUID of version 7: ids of one client sort by time, so that what is created offline stays in its order. */
export function newUuid(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  for (let place = 0; place < 6; place += 1) bytes[place] = Math.floor(now / 2 ** (8 * (5 - place))) & 0xff
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
