// Every page of the console, once: its address, which right it needs, and where its code is. The navigation, the title and the
// tests that walk all pages read this list.

import type { Component } from 'svelte'
import { m } from './paraglide/messages'
import type { Right } from './session.svelte'

export type Route = {
  /** With `:parts` that vary. */
  path: string
  right: Right
  title: () => string
  /** Where it stands in the navigation; a page without is reached from others. */
  group?: 'desk' | 'calls' | 'matters' | 'figures' | 'admin'
  // A page declares which parts of its path it takes; the router hands over all of them.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ default: Component<any> }>
}

export const routes: Route[] = [
  { path: '/', right: 'look', group: 'desk', title: m.page_desk, load: () => import('./pages/Desk.svelte') },
  { path: '/wall', right: 'look', group: 'desk', title: m.page_wall, load: () => import('./pages/Wall.svelte') },
  { path: '/calls', right: 'look', group: 'calls', title: m.page_calls, load: () => import('./pages/Calls.svelte') },
  { path: '/calls/:ticket', right: 'look', title: m.page_call, load: () => import('./pages/Call.svelte') },
  { path: '/outages', right: 'look', group: 'figures', title: m.page_outages, load: () => import('./pages/Outages.svelte') },
  { path: '/users', right: 'administer', group: 'admin', title: m.page_users, load: () => import('./pages/Users.svelte') },
  { path: '/me', right: 'look', group: 'admin', title: m.page_me, load: () => import('./pages/Me.svelte') },
  { path: '/access-log', right: 'administer', group: 'admin', title: m.page_access, load: () => import('./pages/AccessLog.svelte') },
]
