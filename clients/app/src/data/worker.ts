/// Keeps the application openable without the server: registers its service worker, and says when a newer build is there.
import { notify } from './notices'

const ADDRESS = '/app/service-worker.js'
const SCOPE = '/app'
/** A page that stays open asks for a newer build this often, in milliseconds. */
const UPDATE_EVERY_MS = 60 * 60 * 1000

export function registerWorker(): void {
  // There is none over plain http on other machines than this, and none of the source that Vite serves.
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  const { serviceWorker } = navigator
  let isReplaced = serviceWorker.controller !== null
  serviceWorker.addEventListener('controllerchange', () => {
    if (isReplaced) notify('A newer version of PantheraHive is here. It opens when you reload this page.')
    isReplaced = true
  })
  serviceWorker.register(ADDRESS, { scope: SCOPE, updateViaCache: 'none' }).then(
    (registration) => void setInterval(() => void registration.update().catch(() => undefined), UPDATE_EVERY_MS),
    () => undefined,
  )
}
