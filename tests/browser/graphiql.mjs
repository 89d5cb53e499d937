/// GraphiQL as a newcomer meets it: the board is queried, a task is moved in one window, and the other lists every change.
import { answer, inBrowser, picture, run, same, tabButton, untilEvents, waitUntilSignedIn } from './page.mjs'

await inBrowser(async ({ open }) => {
  const watcher = await open()
  console.log(await watcher.locator('.hive-who').innerText())

  await run(watcher, 'Board')
  const [project] = (await answer(watcher)).projects.nodes
  const cards = [project.todo, project.inProgress, project.inReview, project.done].flatMap((column) => column.nodes)
  if (cards.length === 0) throw new Error(`the board of ${project.name} has no tasks`)
  console.log(`Board of ${project.name}: ${cards.length} cards`)

  await run(watcher, 'Changes')
  await watcher.locator('.hive-line[data-live="open"]').waitFor()
  await watcher.waitForTimeout(1000) // It is connected; the server also needs to have begun to listen.

  // Every run makes a change, whoever runs it, and however often.
  const opened = watcher.context().waitForEvent('page')
  await watcher.getByRole('link', { name: 'Open as Priya' }).click()
  const mover = await opened
  await waitUntilSignedIn(mover, 'Priya Raghavan')
  const moves = []
  for (let number = 1; number <= 3; number++) {
    await run(mover, 'MoveTask')
    const { task, errors } = (await answer(mover)).taskMove
    same('the errors of the move', errors, [])
    moves.push(task.status)
    await untilEvents(watcher, number, /^MOVED/)
  }
  same('a move that is run again goes back', [moves[0] !== moves[1], moves[0]], [true, moves[2]])
  await watcher.bringToFront()
  const listed = await untilEvents(watcher, 3, /^MOVED/)
  for (const [place, status] of moves.entries()) {
    const line = listed[2 - place]
    if (!line.startsWith('MOVED · Task · ') || !line.includes(`→ ${status} · Priya Raghavan`))
      throw new Error(`not the move: ${line}`)
  }
  console.log(`Changes seen: ${listed.join(' | ')}`)
  await picture(watcher, 'graphiql')

  // A reload of the second window keeps who is signed in there.
  await mover.reload()
  await waitUntilSignedIn(mover, 'Priya Raghavan')
  await mover.getByRole('button', { name: 'Switch to Dana Whitfield' }).click()
  await waitUntilSignedIn(mover, 'Dana Whitfield')
  await tabButton(mover, 'MoveTask').waitFor()
})
