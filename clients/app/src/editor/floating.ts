/// What TipTap's suggestions use of @floating-ui/dom, in whose place this is bundled: a card below the caret, or above it where it fits.

interface Reference {
  getBoundingClientRect(): DOMRect
}

/** Between the caret and the card, and between the card and the edge of the window, in pixels. */
const GAP_PX = 4
const EDGE_PX = 8

export async function computePosition(reference: Reference, card: HTMLElement) {
  const caret = reference.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = card
  const [below, above] = [caret.bottom + GAP_PX, caret.top - GAP_PX - height]
  return {
    x: Math.max(EDGE_PX, Math.min(caret.left, innerWidth - width - EDGE_PX)),
    y: below + height + EDGE_PX > innerHeight && above > 0 ? above : below,
    placement: 'bottom-start',
    strategy: 'fixed',
  }
}

/** Calls `update` now and whenever the place may be another one; returns what ends that. */
export function autoUpdate(_: Reference, card: HTMLElement, update: () => void): () => void {
  const sizes = new ResizeObserver(update)
  sizes.observe(card)
  addEventListener('scroll', update, true)
  addEventListener('resize', update)
  update()
  return () => {
    sizes.disconnect()
    removeEventListener('scroll', update, true)
    removeEventListener('resize', update)
  }
}

/** Both are done above. */
export const offset = (): null => null
export const flip = (): null => null
