/// Mounts the application.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { finishLeaving } from './data/replica'
import { finishSignIn } from './data/sign-in'
import { registerWorker } from './data/worker'
import { applyTheme } from './ui/theme'

applyTheme()
registerWorker()
void finishLeaving()
void finishSignIn().then(() =>
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
)
