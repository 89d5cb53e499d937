/// What the viewer may do, as the screens need to know it; the server decides.
import type { Project } from './rows'

/** Whether they may change its tasks and documents: what members may do with these follows from the project. */
export function canWrite(project: Project | undefined): boolean {
  return project?.viewerCan.includes('CREATE') ?? false
}

export function canComment(project: Project | undefined): boolean {
  return project?.viewerCan.includes('COMMENT') ?? false
}
