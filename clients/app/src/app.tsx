/// Chooses the screen: sign-in for nobody, otherwise what the address names, inside the frame.
import { lazy, Suspense, useEffect } from 'react'
import { isClosed, isReady, open, problem, replica, signedInAs } from './data/replica'
import { useStore } from './data/store'
import { parseRoute, usePath, type Route } from './router'
import { BoardScreen } from './screens/board'
import { DocumentsScreen } from './screens/documents'
import { InboxScreen } from './screens/inbox'
import { MyTasksScreen } from './screens/my-tasks'
import { ProjectsScreen } from './screens/projects'
import { SearchScreen } from './screens/search'
import { SignInScreen } from './screens/sign-in'
import { TaskScreen } from './screens/task'
import { Frame } from './ui/frame'
import { Notices } from './ui/notices'
import { Empty, Loading, Problem } from './ui/states'

// The editor is two thirds of all code, and is loaded where it is needed.
const DocumentScreen = lazy(() => import('./screens/document'))

export function App() {
  const viewer = useStore(signedInAs)
  useEffect(() => (viewer === null ? undefined : open(viewer)), [viewer])
  return (
    <>
      {viewer === null ? <SignInScreen /> : <SignedIn />}
      <Notices />
    </>
  )
}

function SignedIn() {
  usePath()
  const isThere = useStore(isReady)
  const trouble = useStore(problem)
  const isOver = useStore(isClosed)
  const route = parseRoute(location)
  if (!isThere || isOver)
    return trouble ? (
      <Problem
        title="PantheraHive could not be loaded"
        reason={trouble}
        retry={() => (isOver ? location.reload() : replica().wake())}
      />
    ) : (
      <Loading what="PantheraHive" />
    )
  return (
    <Frame route={route}>
      <Suspense fallback={<Loading what="the document" />}>
        <Screen route={route} />
      </Suspense>
    </Frame>
  )
}

function Screen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'my-tasks':
      return <MyTasksScreen />
    case 'inbox':
      return <InboxScreen />
    case 'search':
      return <SearchScreen query={route.query} type={route.type} />
    case 'projects':
      return <ProjectsScreen />
    case 'board':
      return <BoardScreen key={route.project} projectId={route.project} />
    case 'documents':
      return <DocumentsScreen key={route.project} projectId={route.project} />
    case 'task':
      return <TaskScreen key={route.key} taskKey={route.key} />
    case 'document':
      return <DocumentScreen key={route.id} documentId={route.id} />
    case 'nothing':
      return <Empty title="There is nothing here" hint="The address is not one of this application." />
  }
}
