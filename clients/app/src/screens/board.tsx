/// A project's board: a column for each status, whose cards are moved with a pointer or the keyboard, and move by themselves.
import { toGlobalId } from '@pantherahive/client'
import { useMemo, useState } from 'react'
import { me } from '../data/replica'
import { canWrite } from '../data/rights'
import { people, projects, tasks, type Status, type Task } from '../data/rows'
import { column } from '../data/tasks'
import { useIndex, useRow, useRows } from '../data/use-rows'
import { BoardColumn } from '../ui/board-column'
import { useDragging } from '../ui/dragging'
import { Icon } from '../ui/icons'
import { ProjectTabs } from '../ui/project-tabs'
import { Empty, ScreenTitle } from '../ui/states'

export const COLUMNS: readonly Status[] = ['BACKLOG', 'TODO', 'IN_PROGRESS', 'IN_REVIEW', 'DONE']

/** Of what is done only the latest; older ones are found by search. */
const SHOWN_DONE = 30

function latest(cards: Task[]): Task[] {
  if (cards.length <= SHOWN_DONE) return cards
  const shown = new Set(cards.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt)).slice(0, SHOWN_DONE))
  return cards.filter((card) => shown.has(card))
}

export function BoardScreen({ projectId: uuid }: { projectId: string }) {
  const projectId = toGlobalId('Project', uuid)
  const project = useRow(projects, projectId)
  if (!project) return <Empty title="This project is not there" hint="It was deleted, or you may not see it." />
  return (
    <div className="screen screen-board">
      <ScreenTitle title={project.name} before={<ProjectTabs project={project} current="board" />} />
      <Board projectId={projectId} canWrite={canWrite(project)} />
    </div>
  )
}

function Board({ projectId, canWrite }: { projectId: string; canWrite: boolean }) {
  const all = useRows(tasks)
  const names = useIndex(people)
  const [words, setWords] = useState('')
  const [isMine, setMine] = useState(false)
  const dragging = useDragging(canWrite)
  const { target } = dragging

  const columns = useMemo(() => {
    const wanted = words.trim().toLowerCase()
    const isWanted = (task: Task) =>
      (!isMine || task.assigneeId === me()) &&
      (!wanted ||
        `${task.key} ${task.title} ${names.get(task.assigneeId ?? '')?.displayName ?? ''}`
          .toLowerCase()
          .includes(wanted))
    return new Map(
      COLUMNS.map((status) => {
        const cards = column(all, projectId, status).filter((task) => task.id === target?.id || isWanted(task))
        return [status, status === 'DONE' ? latest(cards) : cards]
      }),
    )
  }, [all, projectId, words, isMine, names, target?.id])

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
