/// Mounts the application.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { finishSignIn } from './data/sign-in'
import { applyTheme } from './ui/theme'

applyTheme()
void finishSignIn().then(() =>
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
)
