/**
 * Ranks as the server makes them (`domain/rank.py`): strings that can always be given one more between two others, compared by
 * code unit. For what a board shows before the server has answered; the server sets the rank that counts.
 */

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = DIGITS.length
const FIRST_RANK = 'a0'

/** A rank after `low` and before `high`; null stands for the open end. Throws a RangeError unless low < high. */
export function rankBetween(low: string | null, high: string | null): string {
  if (low !== null && high !== null && low >= high) throw new RangeError(`no rank between ${low} and ${high}`)
  if (low === null && high === null) return FIRST_RANK
  if (high === null) {
    const [whole, fraction] = split(low!)
    return step(whole, 1) ?? whole + midpoint(fraction, null)
  }
  if (low === null) {
    const [whole, fraction] = split(high)
    if (fraction) return whole
    return step(whole, -1) ?? whole + midpoint('', fraction)
  }
  const [lowWhole, lowFraction] = split(low)
  const [highWhole, highFraction] = split(high)
  if (lowWhole === highWhole) return lowWhole + midpoint(lowFraction, highFraction)
  const following = step(lowWhole, 1)
  return following !== null && following < high ? following : lowWhole + midpoint(lowFraction, null)
}

const valueOf = (digit: string): number => DIGITS.indexOf(digit)

function split(rank: string): [whole: string, fraction: string] {
  const head = rank[0]!
  const length = head >= 'a' ? valueOf(head) - valueOf('a') + 2 : valueOf('Z') - valueOf(head) + 2
  return [rank.slice(0, length), rank.slice(length)]
}

/** The whole part one higher or lower; null beyond the largest or smallest. */
function step(whole: string, by: 1 | -1): string | null {
  const head = whole[0]!
  const digits = Array.from(whole.slice(1), valueOf)
  for (let place = digits.length - 1; place >= 0; place -= 1) {
    const stepped = digits[place]! + by
    if (stepped >= 0 && stepped < BASE) {
      digits[place] = stepped
      return head + digits.map((value) => DIGITS[value]).join('')
    }
    digits[place] = by > 0 ? 0 : BASE - 1
  }
  return nextLength(head, digits.length, by)
}

/** The first whole part with the next head, whose length differs by one digit. */
function nextLength(head: string, length: number, by: 1 | -1): string | null {
  if (head === (by > 0 ? 'z' : 'A')) return null
  const crossing = by > 0 ? head === 'Z' : head === 'a'
  const next = crossing ? (by > 0 ? 'a' : 'Z') : DIGITS[valueOf(head) + by]!
  const grows = by > 0 ? head >= 'a' : head <= 'Z'
  return next + (by > 0 ? '0' : 'z').repeat(crossing ? 1 : grows ? length + 1 : length - 1)
}

/** A fraction between two; `high` null is one. Never ends in the digit 0, so that there is always room before it. */
function midpoint(low: string, high: string | null): string {
  let prefix = ''
  for (;;) {
    const firstLow = low ? valueOf(low[0]!) : 0
    const firstHigh = high ? valueOf(high[0]!) : BASE
    if (firstLow === firstHigh) {
      prefix += DIGITS[firstLow]
      low = low.slice(1)
      high = high ? high.slice(1) : null
    } else if (firstHigh - firstLow > 1) {
      return prefix + DIGITS[Math.floor((firstLow + firstHigh) / 2)]
    } else if (high !== null && high.length > 1) {
      return prefix + high[0]
    } else {
      prefix += DIGITS[firstLow]
      low = low.slice(1)
      high = null
    }
  }
}
