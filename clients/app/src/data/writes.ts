/// Says what a write does, for messages and for the list of what waits.
import type { Operation } from '@pantherahive/sync'
import { comments, documents, tasks, type Priority, type Status } from './rows'
import { PRIORITY_NAMES, STATUS_NAMES } from './words'

export function inWords({ type, kind, key, changes }: Operation): string {
  switch (type) {
    case 'Task': {
      if (kind === 'insert') return `Create “${String(changes['title'])}”`
      const name = tasks.get(key)?.key || 'a task'
      if (kind === 'delete') return `Delete ${name}`
      if ('rank' in changes || 'afterId' in changes)
        return 'status' in changes ? `Move ${name} to ${STATUS_NAMES[changes['status'] as Status]}` : `Move ${name}`
      if ('status' in changes) return `Set ${name} to ${STATUS_NAMES[changes['status'] as Status]}`
      if ('priority' in changes)
        return `Set the priority of ${name} to ${PRIORITY_NAMES[changes['priority'] as Priority]}`
      if ('title' in changes) return `Rename ${name}`
      if ('description' in changes) return `Describe ${name}`
      if ('assigneeId' in changes) return `Assign ${name}`
      if ('dueOn' in changes) return `Set when ${name} is due`
      if ('labelIds' in changes) return `Label ${name}`
      return `Change ${name}`
    }
    case 'Comment': {
      if (kind === 'insert') return 'Comment'
      if (kind === 'delete') return 'Delete a comment'
      if ('reactions' in changes) return 'React to a comment'
      if ('resolvedAt' in changes) return changes['resolvedAt'] === null ? 'Reopen a thread' : 'Resolve a thread'
      return `Edit a comment${comments.get(key) ? '' : ' that is gone'}`
    }
    case 'Document': {
      const title = String(documents.get(key)?.title ?? changes['title'] ?? '')
      if (kind === 'insert') return `Create “${title}”`
      if (kind === 'delete') return 'Delete a document'
      return 'title' in changes ? `Rename “${title}”` : `Move “${title}”`
    }
    case 'Project':
      return kind === 'insert' ? 'Create a project' : 'Change a project'
    case 'Notification':
      return 'Mark a notification'
  }
}
