/// Moves cards between columns: with a mouse, with a finger that rests on a card first, or with the keyboard.
///
/// All three change one `target`, which the board shows as if the card were there already; nothing is sent until it is dropped.
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type RefObject,
} from 'react'
import { announce } from '../data/notices'
import { tasks, type Status, type Task } from '../data/rows'
import { moveTask } from '../data/tasks'
import { STATUS_NAMES } from '../data/words'

export interface Target {
  id: string
  status: Status
  /** Among the other cards of the column. */
  index: number
}

export type Columns = ReadonlyMap<Status, readonly Task[]>

export interface Dragging {
  target: Target | null
  board: RefObject<HTMLDivElement | null>
  pointerDown(event: PointerEvent<HTMLElement>, task: Task, columns: Columns): void
  keyDown(event: KeyboardEvent<HTMLElement>, task: Task, columns: Columns): void
  click(event: MouseEvent<HTMLElement>): void
}

/** How far a mouse goes before it drags, in pixels. */
const DRAG_DISTANCE = 5
/** How long a finger rests before it drags rather than scrolls, in milliseconds. */
const LONG_PRESS_MS = 260
/** How near to the edge of the board it begins to scroll, and how much at a time, in pixels. */
const SCROLL_ZONE = 48
const SCROLL_STEP = 12

export function useDragging(isAllowed: boolean): Dragging {
  const [target, setTarget] = useState<Target | null>(null)
  const current = useRef<Target | null>(null)
  const board = useRef<HTMLDivElement>(null)
  const wasDragged = useRef(false)
  const stopDragging = useRef<(() => void) | undefined>(undefined)
  const focused = useRef<string | null>(null)
  const shownColumns = useRef<Columns>(new Map())

  const aim = useCallback((next: Target | null) => {
    const now = current.current
    if (now && next && now.id === next.id && now.status === next.status && now.index === next.index) return
    current.current = next
    setTarget(next)
  }, [])

  const drop = useCallback(() => {
    const aimed = current.current
    const task = aimed && tasks.get(aimed.id)
    aim(null)
    if (!aimed || !task) return
    const others = (shownColumns.current.get(aimed.status) ?? []).filter(({ id }) => id !== task.id)
    const [before, after] = [others[aimed.index - 1], others[aimed.index]]
    const stays =
      task.status === aimed.status && (!before || before.rank < task.rank) && (!after || task.rank < after.rank)
    if (!stays) moveTask(task, aimed.status, before, after)
    announce(`${task.key} dropped in ${STATUS_NAMES[aimed.status]}, ${aimed.index + 1} of ${others.length + 1}.`)
  }, [aim])

  useEffect(() => () => stopDragging.current?.(), [])

  // A card that was moved to another column is another element there: the keyboard goes with it.
  useLayoutEffect(() => {
    if (!focused.current) return
    const card = board.current?.querySelector<HTMLElement>(`[data-task="${focused.current}"]`)
    card?.focus({ preventScroll: true })
    card?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    if (!target) focused.current = null
  }, [target])

  function pointerDown(event: PointerEvent<HTMLElement>, task: Task, columns: Columns) {
    if (!isAllowed || event.button !== 0 || current.current) return
    const card = event.currentTarget
    const [startX, startY, isTouch] = [event.clientX, event.clientY, event.pointerType === 'touch']
    const bounds = card.getBoundingClientRect()
    let ghost: HTMLElement | undefined
    let frame = 0
    let [x, y] = [startX, startY]
    wasDragged.current = false
    shownColumns.current = columns
    const timer = isTouch ? setTimeout(lift, LONG_PRESS_MS) : undefined

    function lift() {
      wasDragged.current = true
      ghost = card.cloneNode(true) as HTMLElement
      ghost.removeAttribute('data-task')
      ghost.removeAttribute('href')
      ghost.setAttribute('aria-hidden', 'true')
      ghost.classList.add('card-ghost')
      ghost.style.width = `${bounds.width}px`
      document.body.append(ghost)
      document.body.classList.add('is-dragging')
      follow()
      scroll()
    }

    function follow() {
      if (!ghost) return
      ghost.style.transform = `translate(${bounds.left + x - startX}px, ${bounds.top + y - startY}px) rotate(1.5deg)`
      const found = columnAt(board.current, x)
      if (!found) return
      const cards = [...found.querySelectorAll<HTMLElement>('[data-task]')].filter(
        ({ dataset }) => dataset.task !== task.id,
      )
      const index = cards.filter((each) => middle(each) < y).length
      aim({ id: task.id, status: found.dataset.status as Status, index })
    }

    function scroll() {
      const area = board.current
      if (!ghost || !area) return
      const { left, right } = area.getBoundingClientRect()
      if (x < left + SCROLL_ZONE) area.scrollLeft -= SCROLL_STEP
      else if (x > right - SCROLL_ZONE) area.scrollLeft += SCROLL_STEP
      const list = columnAt(area, x)?.querySelector('.cards')
      if (list) {
        const { top, bottom } = list.getBoundingClientRect()
        if (y < top + SCROLL_ZONE) list.scrollTop -= SCROLL_STEP
        else if (y > bottom - SCROLL_ZONE) list.scrollTop += SCROLL_STEP
      }
      frame = requestAnimationFrame(scroll)
    }

    function move(moved: globalThis.PointerEvent) {
      if (moved.pointerId !== event.pointerId) return
      ;[x, y] = [moved.clientX, moved.clientY]
      if (!ghost && Math.hypot(x - startX, y - startY) > DRAG_DISTANCE) {
        if (isTouch) return stop() // it scrolls
        lift()
      }
      follow()
    }

    function up(lifted: globalThis.PointerEvent) {
      if (lifted.pointerId !== event.pointerId) return
      const isDrop = ghost !== undefined && lifted.type === 'pointerup'
      stop()
      if (isDrop) drop()
      else aim(null)
    }

    function press(pressed: globalThis.KeyboardEvent) {
      if (pressed.key !== 'Escape' || !ghost) return
      stop()
      aim(null)
    }

    function stop() {
      clearTimeout(timer)
      cancelAnimationFrame(frame)
      ghost?.remove()
      ghost = undefined
      document.body.classList.remove('is-dragging')
      removeEventListener('pointermove', move)
      removeEventListener('pointerup', up)
      removeEventListener('pointercancel', up)
      removeEventListener('keydown', press)
      removeEventListener('touchmove', hold)
      stopDragging.current = undefined
    }

    function hold(touched: TouchEvent) {
      if (ghost) touched.preventDefault()
    }

    addEventListener('pointermove', move)
    addEventListener('pointerup', up)
    addEventListener('pointercancel', up)
    addEventListener('keydown', press)
    addEventListener('touchmove', hold, { passive: false })
    stopDragging.current = stop
  }

  function keyDown(event: KeyboardEvent<HTMLElement>, task: Task, columns: Columns) {
    if (event.metaKey || event.ctrlKey || event.altKey) return
    const lifted = current.current
    if (!lifted) {
      const step = ARROWS[event.key]
      if (step) {
        event.preventDefault()
        neighbour(columns, task, step)
      } else if (event.key === ' ' && isAllowed) {
        event.preventDefault()
        shownColumns.current = columns
        focused.current = task.id
        aim({ id: task.id, status: task.status, index: (columns.get(task.status) ?? []).indexOf(task) })
        announce(`${task.key} picked up. Arrow keys move it, Space drops it, Escape puts it back.`)
      }
      return
    }
    if (event.key === 'Tab') return event.preventDefault()
    if (event.key === 'Escape' || event.key === ' ' || event.key === 'Enter') {
      event.preventDefault()
      focused.current = task.id
      if (event.key !== 'Escape') return drop()
      aim(null)
      return announce(`${task.key} is where it was.`)
    }
    const step = ARROWS[event.key]
    if (!step) return
    event.preventDefault()
    const statuses = [...columns.keys()]
    const status = statuses[clamp(statuses.indexOf(lifted.status) + step[0], statuses.length - 1)] ?? lifted.status
    const others = (columns.get(status) ?? []).filter(({ id }) => id !== task.id)
    const index = clamp(status === lifted.status ? lifted.index + step[1] : lifted.index, others.length)
    focused.current = task.id
    shownColumns.current = columns
    aim({ id: task.id, status, index })
    announce(`${STATUS_NAMES[status]}, ${index + 1} of ${others.length + 1}.`)
  }

  function neighbour(columns: Columns, task: Task, [across, down]: readonly [number, number]) {
    const statuses = [...columns.keys()]
    const here = columns.get(task.status) ?? []
    let card: Task | undefined
    if (down !== 0) card = here[here.indexOf(task) + down]
    else
      for (let at = statuses.indexOf(task.status) + across; statuses[at] && !card; at += across) {
        const there = columns.get(statuses[at]!) ?? []
        card = there[clamp(here.indexOf(task), there.length - 1)]
      }
    const element = card && board.current?.querySelector<HTMLElement>(`[data-task="${card.id}"]`)
    element?.focus()
  }

  function click(event: MouseEvent<HTMLElement>) {
    // The click that ends a drag opens nothing.
    if (wasDragged.current || current.current) event.preventDefault()
    wasDragged.current = false
  }

  return { target, board, pointerDown, keyDown, click }
}

const ARROWS: Record<string, readonly [across: number, down: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most))
}

/** The column at that place, or the nearest. */
function columnAt(board: HTMLElement | null, x: number): HTMLElement | undefined {
  const distance = (column: HTMLElement) => {
    const { left, right } = column.getBoundingClientRect()
    return x < left ? left - x : x > right ? x - right : 0
  }
  return [...(board?.querySelectorAll<HTMLElement>('[data-status]') ?? [])].sort((a, b) => distance(a) - distance(b))[0]
}

function middle(element: HTMLElement): number {
  const { top, height } = element.getBoundingClientRect()
  return top + height / 2
}
