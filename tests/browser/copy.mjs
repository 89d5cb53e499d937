/// What is copied runs: pasted into a shell or a module, each form gives the answer that GraphiQL shows.
import { spawn } from 'node:child_process'
import { clipboard, editor, inBrowser, same, signIn } from './page.mjs'

const FORMS = ['curl', 'fetch', 'Apollo Client', 'urql']

/** Texts that a shell, a template literal or JSON could take for something else. */
const HARD = 'it\'s "quoted", `ticked`, ${dollar} $HOME \\n \\ é 👩‍👩‍👧 % ! #'

const DOCUMENT = `# Isn't \`this\` \${fine}?
query Other {
  server {
    version
  }
}

query Mine($id: ID!, $text: String = ${JSON.stringify(HARD)}) {
  viewer {
    ...Name
  }
  node(id: $id) {
    __typename
  }
  tasks(first: 1, filter: { title: { contains: $text } }) {
    totalCount
  }
}

fragment Name on User {
  id
  displayName
}
`

await inBrowser(async ({ open }) => {
  const ask = await signIn('demo@pantherahive.dev')
  const { data } = await ask('{ viewer { id } tasks(first: 1) { nodes { id title } } }')
  const page = await open()

  await page.getByRole('button', { name: 'New tab' }).click()
  await write(page, DOCUMENT, { id: data.viewer.id, text: HARD })
  const shown = (await ask(DOCUMENT.replace(/query Other[^]*?\n}\n\n/, ''), { id: data.viewer.id, text: HARD })).data
  same('the answer without copying', [shown.node.__typename, shown.tasks.totalCount], ['User', 0])
  for (const form of FORMS) {
    // The cursor is at the end, in the fragment: the first operation would run. Put it into the second.
    await page.locator('.cm-line', { hasText: 'query Mine' }).click()
    same(`the answer to ${form}`, withoutTypenames(read(await runCopy(page, form))), withoutTypenames(shown))
    console.log(`The query copied as ${form} gives the same answer.`)
  }

  const [task] = data.tasks.nodes
  await page.getByRole('button', { name: 'New tab' }).click()
  await write(
    page,
    'mutation Rename($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { title } errors { code } } }',
    {
      input: { id: task.id, title: HARD },
    },
  )
  for (const form of FORMS) {
    same(`the answer to ${form}`, withoutTypenames(read(await runCopy(page, form))).taskUpdate, {
      task: { title: HARD },
      errors: [],
    })
    await ask('mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }', { input: task })
    console.log(`The mutation copied as ${form} renames the task.`)
  }

  await page.getByRole('button', { name: 'New tab' }).click()
  await write(page, 'subscription Follow($id: ID!) { taskChanged(id: $id) { kind } }', { id: task.id })
  for (const form of FORMS) {
    const copied = await copy(page, form)
    let renamed = 0
    const output = await execute(
      form,
      copied,
      (text) => /UPDATED/.test(text),
      async () => {
        const title = `${task.title} ${++renamed}`
        await ask('mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }', {
          input: { id: task.id, title },
        })
      },
    )
    if (!output.includes('UPDATED')) throw new Error(`the subscription copied as ${form} printed ${output}`)
    console.log(`The subscription copied as ${form} prints an event.`)
  }
  await ask('mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }', { input: task })
})

async function write(page, query, variables) {
  await editor(page).click()
  await page.keyboard.insertText(query)
  await page.locator('.graphiql-editor-tool .cm-content').click()
  await page.keyboard.insertText(JSON.stringify(variables))
}

async function copy(page, form) {
  await page.locator('.notice:empty').waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Copy as', exact: true }).click()
  await page.getByRole('menuitem', { name: `Copy as ${form}`, exact: true }).click()
  return clipboard(page)
}

async function runCopy(page, form) {
  return execute(form, await copy(page, form))
}

/** Runs a copied text; a stream is ended as soon as `enough` has been printed, and `poke` is called until then. */
function execute(form, text, enough = null, poke = null) {
  const isModule = form !== 'curl'
  // Objects are printed as JSON, so that they can be read again.
  const print =
    'const print = console.log; console.log = (value) => print(typeof value === "string" ? value : JSON.stringify(value));\n'
  const imports = text.match(/^import .*$/gm)?.join('\n') ?? ''
  const module = `${imports}\n${print}${text.replace(/^import .*$/gm, '')}`
  const child = isModule
    ? spawn(process.execPath, ['--input-type=module', '--eval', module])
    : spawn('bash', ['-c', text])
  let output = ''
  let errors = ''
  child.stdout.on('data', (data) => {
    output += data
    if (enough?.(output)) child.kill()
  })
  child.stderr.on('data', (data) => (errors += data))
  const timer = poke && setInterval(() => void poke(), 400)
  const limit = setTimeout(() => child.kill(), 15_000)
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      clearInterval(timer)
      clearTimeout(limit)
      if (code === 0 || enough) resolve(output)
      else reject(new Error(`copied as ${form} it ended with ${code}: ${errors.slice(-2000)}\n${text}`))
    })
  })
}

/** The data that was printed, with or without the response around it. */
function read(output) {
  const value = JSON.parse(output)
  return value.data ?? value
}

/** Apollo Client and urql may add `__typename`. */
function withoutTypenames(value) {
  if (Array.isArray(value)) return value.map(withoutTypenames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== '__typename' || Object.keys(value).length === 1)
      .map(([name, one]) => [name, withoutTypenames(one)]),
  )
}
