// The API's shapes under the names that the pages use. `schema.d.ts` is generated from docs/openapi.json.

import type { components } from './schema'

type Schemas = components['schemas']

export type Me = Schemas['Me']
export type Status = Schemas['Status']
export type Event = Schemas['Event']
export type Brief = Schemas['Brief']
export type Ticket = Schemas['Ticket']
export type TicketPage = Schemas['TicketPage']
export type TicketList = Schemas['Tickets']
export type Recording = Schemas['Recording']
export type Party = Schemas['Party']
export type LiveCall = Schemas['Call']
export type Away = Schemas['Away']
export type Rings = Schemas['Rings']
export type User = Schemas['User']
export type Token = Schemas['Token']
export type FreshToken = Schemas['FreshToken']
export type Codes = Schemas['Codes']
export type Outage = Schemas['Outage']
export type AccessLog = Schemas['AccessLog']
