/// Projects as they are listed: by team, both by name.
import { useMemo } from 'react'
import { projects, teams, type Project, type Team } from './rows'
import { useRows } from './use-rows'

export const isActive = ({ status }: Project): boolean => status === 'ACTIVE'
const isAny = (): boolean => true

/** Teams without projects are left out. */
export function useProjectsByTeam(isWanted: (project: Project) => boolean = isAny): {
  team: Team
  projects: Project[]
}[] {
  const all = useRows(projects)
  const allTeams = useRows(teams)
  return useMemo(
    () =>
      allTeams
        .toSorted((a, b) => a.name.localeCompare(b.name))
        .map((team) => ({
          team,
          projects: all
            .filter((project) => project.teamId === team.id && isWanted(project))
            .sort((a, b) => a.name.localeCompare(b.name)),
        }))
        .filter((group) => group.projects.length > 0),
    [all, allTeams, isWanted],
  )
}
