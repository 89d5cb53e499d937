/// axe finds nothing on any screen of GraphiQL, in light and dark, wide and narrow; and nothing is wider than a narrow screen.
///
/// COLOR_SCHEME, WIDTH  look at these only
import axe from 'axe-core'
import { editor, inBrowser, picture, run, same, showTab, until, untilEvents } from './page.mjs'

const { COLOR_SCHEME, WIDTH } = process.env
const NARROW = 720

await inBrowser(async ({ open }) => {
  for (const colorScheme of COLOR_SCHEME ? [COLOR_SCHEME] : ['light', 'dark']) {
    for (const width of WIDTH ? [Number(WIDTH)] : [1440, 480]) {
      const page = await open({ colorScheme, viewport: { width, height: 850 }, prepare: withoutOAuth })
      for (const [name, show] of Object.entries(screens(width < NARROW))) {
        await show(page)
        await page.waitForTimeout(200) // What opens has opened.
        await audit(page, `${name}, ${colorScheme}, ${width} px`)
        await picture(page, `${name}-${colorScheme}-${width}`)
      }
      await page.context().close()
    }
  }
})

/** The page as another origin than the issuer's has it: with its own form for a password. */
async function withoutOAuth(page) {
  await page.route('**/graphiql/config.json', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), oauth: null } })
  })
}

async function audit(page, screen) {
  await page.evaluate(axe.source)
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }),
  )
  const described = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.target} (${node.any[0]?.message ?? node.html})`).join('; ')}`,
  )
  same(`axe on ${screen}`, described, [])
  same(`the width of ${screen}`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  console.log(`axe: 0 violations, ${passes.length} rules passed: ${screen}`)
}

/** What is looked at, in this order: each begins where the one before ended. */
function screens(isNarrow) {
  const pane = async (page, name) =>
    isNarrow && page.getByRole('group', { name: 'What is shown' }).getByRole('button', { name }).click()
  const tool = (name) => async (page) => page.getByRole('button', { name, exact: true }).click()
  const dialog = (name) => async (page) => {
    await tool(name)(page)
    await page.locator('dialog[open]').waitFor()
  }
  const closed = async (page) => {
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
  }
  const example = async (page, title) => {
    await showTab(page, title)
    await pane(page, 'Variables')
    await run(page, title)
  }
  return {
    start: async (page) => page.locator('.operation-status', { hasText: /Cost [\d,]+ of/ }).waitFor(),
    suggestions: async (page) => {
      await page.getByRole('button', { name: 'New tab' }).click()
      await editor(page).click()
      await page.keyboard.type('{ ')
      await until('suggestions', async () => {
        if (!(await page.locator('.cm-tooltip-autocomplete').count())) await page.keyboard.press('Control+Space')
        await page.waitForTimeout(200)
        return { found: await page.locator('.cm-tooltip-autocomplete li').count() }
      })
    },
    mistakes: async (page) => {
      await page.keyboard.press('Escape')
      await page.keyboard.type(' nothing')
      await page.locator('.cm-lintRange-error').waitFor()
      await page.locator('.cm-lintRange-error').first().hover()
      await page.locator('.cm-tooltip-lint').waitFor()
    },
    response: async (page) => {
      await page.mouse.move(0, 0)
      await example(page, 'Board')
      await page.locator('.response-status', { hasText: '200' }).waitFor()
      await pane(page, 'Response')
    },
    events: async (page) => {
      await pane(page, 'Operation')
      await example(page, 'Changes')
      await page.locator('.hive-line[data-live="open"]').waitFor()
      await page.waitForTimeout(1000) // It is connected; the server also needs to have begun to listen.
      await pane(page, 'Operation')
      for (let move = 0; move < 2; move++) {
        await example(page, 'MoveTask')
        await page.locator('.response-status', { hasText: '200' }).waitFor()
        await pane(page, 'Operation')
      }
      await showTab(page, 'Changes')
      await pane(page, 'Response')
      await untilEvents(page, 2, /^MOVED/)
      await page.locator('.event').last().click()
    },
    docs: async (page) => {
      await tool('Documentation')(page)
      await page.getByText('Start here').waitFor()
    },
    search: async (page) => page.getByLabel('Search types and fields').fill('task'),
    type: async (page) => page.getByLabel('Search types and fields').press('Enter'),
    field: async (page) => page.locator('.docs-field').first().click(),
    history: tool('History'),
    builder: async (page) => {
      await tool('Query builder')(page)
      await page.locator('.builder-field').first().waitFor()
    },
    settings: async (page) => {
      await page.getByRole('button', { name: 'Close Query builder' }).click()
      await dialog('Settings')(page)
    },
    shortcuts: async (page) => {
      await closed(page)
      await dialog('Keyboard shortcuts')(page)
    },
    copy: async (page) => {
      await closed(page)
      await pane(page, 'Operation')
      await tool('Copy as')(page)
    },
    'sign-in': async (page) => {
      await closed(page)
      await tool('Sign in …')(page)
    },
    'signed-out': async (page) => {
      await closed(page)
      await tool('Sign out')(page)
      await page.getByText('Not signed in').waitFor()
    },
  }
}
