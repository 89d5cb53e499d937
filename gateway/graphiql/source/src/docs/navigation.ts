/// Where one is in the docs, and the way back.
import { Store } from '../store'

export type DocsPage =
  { kind: 'root' } | { kind: 'type'; type: string } | { kind: 'field'; type: string; field: string }

const LONGEST = 50

/** The pages that lead to the one that is shown, which is the last. */
export class DocsNavigation extends Store<readonly DocsPage[]> {
  constructor() {
    super([{ kind: 'root' }])
  }

  get page(): DocsPage {
    return this.value.at(-1)!
  }

  go(page: DocsPage): void {
    if (JSON.stringify(page) === JSON.stringify(this.page)) return
    if (page.kind === 'root') this.set([page])
    else this.update((pages) => [...pages.slice(-LONGEST), page])
  }

  back(): void {
    if (this.value.length > 1) this.update((pages) => pages.slice(0, -1))
  }
}
