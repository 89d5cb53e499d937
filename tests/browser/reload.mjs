/// Tabs stay what they are: after any of a few things that people do with them, a reload shows the same tabs with the same texts.
import { answer, editor, inBrowser, run, same, showTab, tabs, until } from './page.mjs'

await inBrowser(async ({ open }) => {
  const page = await open()
  const everything = async () => {
    const { titles, active } = await tabs(page)
    const texts = []
    for (const title of titles) {
      await showTab(page, title)
      texts.push(await editor(page).innerText(), await page.locator('.graphiql-editor-tool .cm-content').innerText())
    }
    await showTab(page, active)
    return { titles, active, texts }
  }
  const examples = ['Board', 'MoveTask', 'Changes', 'TaskChanges', 'Undo', 'PrepareUpload', 'StartReport', 'CreateWebhook']
  const steps = {
    'nothing was done': async () => same('the first tabs', await tabs(page), { titles: examples, active: 'Board' }),
    'a mutation was run': async () => {
      await run(page, 'MoveTask')
      await answer(page)
    },
    'a tab was opened': async () => {
      await page.getByRole('button', { name: 'New tab' }).click()
      same('an empty tab', await tabs(page), { titles: [...examples, 'New tab'], active: 'New tab' })
    },
    'something was written': async () => {
      await editor(page).click()
      await page.keyboard.insertText('query Mine {\n  viewer {\n    id\n  }\n}')
      same('the title', await tabs(page), { titles: [...examples, 'Mine'], active: 'Mine' })
    },
    'the first tab was closed': async () => page.getByRole('button', { name: 'Close Board' }).click(),
    'all but one were closed': async () => {
      for (const title of examples.slice(1))
        await page.getByRole('button', { name: `Close ${title}`, exact: true }).click()
      same('the tabs', await tabs(page), { titles: ['Mine'], active: 'Mine' })
    },
  }
  await until('a task in the variables', async () => {
    await showTab(page, 'TaskChanges')
    return {
      found: !(await page.locator('.graphiql-editor-tool .cm-content').innerText()).includes('the id of a task'),
    }
  })
  await showTab(page, 'Board')
  for (const [name, step] of Object.entries(steps)) {
    await step()
    const before = await everything()
    await page.reload()
    await editor(page).waitFor()
    same(`after a reload, when ${name}`, await everything(), before)
    if (before.titles.some((title) => /untitled/i.test(title))) throw new Error(`a tab is called ${before.titles}`)
    console.log(`The same after a reload, when ${name}: ${before.titles.join(', ')}; ${before.active} is shown.`)
  }
})
