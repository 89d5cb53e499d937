/// A project's board: a column for each status, whose cards are moved with a pointer or the keyboard, and move by themselves.
import { toGlobalId } from '@pantherahive/client'
import { useMemo, useState } from 'react'
import type { ResultOf } from '../graph/graph'
import { BoardTasks, DoneTasks } from '../graph/operations'
import { viewer } from '../data/live'
import { people, projects, tasks, toTask, type Status, type Task } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { column } from '../data/tasks'
import { useIndex, useLoadOnce, useRow, useRows } from '../data/use-rows'
import { BoardColumn } from '../ui/board-column'
import { useDragging } from '../ui/dragging'
import { Icon } from '../ui/icons'
import { ProjectTabs } from '../ui/project-tabs'
import { Empty, Loading, Problem, ScreenTitle } from '../ui/states'

export const COLUMNS: readonly Status[] = ['BACKLOG', 'TODO', 'IN_PROGRESS', 'IN_REVIEW', 'DONE']

async function load(projectId: string): Promise<void> {
  const done = client.request(DoneTasks, { id: projectId })
  let after: string | null = null
  do {
    const { project }: ResultOf<typeof BoardTasks> = await client.request(BoardTasks, { id: projectId, after })
    tasks.put(...(project?.tasks.nodes ?? []).map(toTask))
    after = project?.tasks.pageInfo.hasNextPage ? project.tasks.pageInfo.endCursor : null
  } while (after !== null)
  tasks.put(...((await done).project?.tasks.nodes ?? []).map(toTask))
}

export function BoardScreen({ projectId: uuid }: { projectId: string }) {
  const projectId = toGlobalId('Project', uuid)
  const project = useRow(projects, projectId)
  const { isLoading, problem, retry } = useLoadOnce(`board ${projectId}`, () => load(projectId))
  if (!project) return <Empty title="This project is not there" hint="It was deleted, or you may not see it." />
  return (
    <div className="screen screen-board">
      <ScreenTitle title={project.name} before={<ProjectTabs project={project} current="board" />} />
      {problem ? (
        <Problem title="The board could not be loaded" reason={problem} retry={retry} />
      ) : isLoading ? (
        <Loading what="the board" />
      ) : (
        <Board projectId={projectId} canWrite={project.viewerCan.includes('CREATE')} />
      )}
    </div>
  )
}

function Board({ projectId, canWrite }: { projectId: string; canWrite: boolean }) {
  const all = useRows(tasks)
  const names = useIndex(people)
  const me = useStore(viewer)
  const [words, setWords] = useState('')
  const [isMine, setMine] = useState(false)
  const dragging = useDragging(canWrite)
  const { target } = dragging

  const columns = useMemo(() => {
    const wanted = words.trim().toLowerCase()
    const isWanted = (task: Task) =>
      (!isMine || task.assigneeId === me?.id) &&
      (!wanted ||
        `${task.key} ${task.title} ${names.get(task.assigneeId ?? '')?.displayName ?? ''}`
          .toLowerCase()
          .includes(wanted))
    return new Map(
      COLUMNS.map((status) => [
        status,
        column(all, projectId, status).filter((task) => task.id === target?.id || isWanted(task)),
      ]),
    )
  }, [all, projectId, words, isMine, me, names, target?.id])

  const shown = useMemo(() => {
    if (!target) return columns
    const moved = tasks.get(target.id)
    if (!moved) return columns
    const preview = new Map([...columns].map(([status, cards]) => [status, cards.filter(({ id }) => id !== target.id)]))
    preview.get(target.status)?.splice(target.index, 0, moved)
    return preview
  }, [columns, target])

  return (
    <>
      <div className="board-tools">
        <label className="filter">
          <Icon name="search" />
          <span className="visually-hidden">Filter the cards</span>
          <input type="search" placeholder="Filter" value={words} onChange={(event) => setWords(event.target.value)} />
        </label>
        <button className="button button-toggle" aria-pressed={isMine} onClick={() => setMine(!isMine)}>
          Only mine
        </button>
      </div>
      <p id="board-help" className="visually-hidden">
        Arrow keys go from card to card, Enter opens one. Space picks a card up: then arrow keys move it, Space drops
        it, Escape puts it back.
      </p>
      <div className="board" role="group" aria-label="Board" tabIndex={-1} ref={dragging.board}>
        {COLUMNS.map((status) => (
          <BoardColumn
            key={status}
            status={status}
            cards={shown.get(status) ?? []}
            projectId={projectId}
            canWrite={canWrite}
            dragging={dragging}
            columns={shown}
          />
        ))}
      </div>
    </>
  )
}
