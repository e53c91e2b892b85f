// What people do with the console, done by a browser. Every page of `web/src/routes.ts` is visited and looked at by axe; one that
// nobody visits here fails.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const web = fileURLToPath(new URL('../../web/', import.meta.url))
const require = createRequire(`${web}package.json`)
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const base = process.env.CONSOLE
const pictures = process.env.SCREENSHOTS

let checks = 0
async function check(words, act) {
  await act()
  checks += 1
  console.log(`ok ${words}`)
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
})

/** A person at a browser of their own; what the page complains of is kept. */
async function person(locale) {
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A refusal that the page shows is no fault of the page.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) complaints.push(`${new URL(page.url()).pathname} ${message.location().url}:${message.location().lineNumber} ${message.text()}`)
  })
  return { page, complaints }
}

async function signIn(page, name, password) {
  await page.goto(base)
  await page.fill('input[name=name]', name)
  await page.fill('input[name=password]', password)
  await page.click('form button')
}

async function look(page, name) {
  await page.evaluate(axe)
  // The debugger puts axe in, so the page's policy does not bind it; but axe's preloading would copy the player's style sheet
  // into a document of its own, and that the policy forbids.
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], preload: false }))
  const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any.map((c) => c.message).join(' ')}`).slice(0, 3).join(', ')}`)
  assert.deepEqual(found, [], `axe on ${name}`)
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true })
}

try {
  const { page, complaints } = await person('en')
  await check('a wrong password is refused in words', async () => {
    await signIn(page, 'root', 'not the password')
    await page.getByRole('alert').waitFor()
    assert.match(await page.getByRole('alert').innerText(), /wrong/)
    await look(page, 'sign-in')
  })
  await check('the right one opens the desk, which is connected and says who is there', async () => {
    await signIn(page, 'root', 'a long password for the test')
    await page.getByRole('heading', { level: 1, name: 'Desk' }).waitFor()
    await page.getByText('At the desk: the hotline rings here').waitFor()
  })
  await check('away sends the hotline to the mobile, back rings the desk', async () => {
    await page.getByRole('button', { name: 'Leave: hotline to the mobile' }).click()
    await page.getByText('Away: the hotline goes to the mobile').waitFor()
    const status = await page.evaluate(async () => (await fetch('/api/v1/status')).json())
    assert.equal(status.away.by, 'root')
    await page.getByRole('button', { name: 'I am back: ring the desk' }).click()
    await page.getByText('At the desk: the hotline rings here').waitFor()
  })

  let ticket
  await check('the call is in the list, and the filters are the address', async () => {
    await page.goto(`${base}/calls?outcome=answered+by+desk`)
    const link = page.locator('tbody a').first()
    await link.waitFor()
    ticket = (await page.locator('tbody td .small.number').first().innerText()).trim()
    await page.getByLabel('Outcome').selectOption('missed')
    await page.getByText('No call fits these filters').waitFor()
    assert.equal(new URL(page.url()).searchParams.get('outcome'), 'missed')
  })

  await check('the player shows both lanes, plays, and a muted side is silent while the other is not', async () => {
    // Listens where the page's sound leaves: one meter a channel.
    await page.addInitScript(() => {
      const connect = AudioNode.prototype.connect
      AudioNode.prototype.connect = function (to, ...rest) {
        if (to === this.context.destination) {
          const split = this.context.createChannelSplitter(2)
          connect.call(this, split)
          globalThis.meters = [0, 1].map((channel) => {
            const meter = this.context.createAnalyser()
            meter.fftSize = 32768
            connect.call(split, meter, channel)
            return meter
          })
        }
        return connect.call(this, to, ...rest)
      }
    })
    await page.goto(`${base}/calls/${ticket}`)
    const wave = page.locator('.player .wave')
    await wave.waitFor()
    await page.waitForFunction(() => document.querySelector('.player .wave > div')?.shadowRoot?.querySelectorAll('canvas').length >= 2)
    assert.equal(await page.getByText('There is no waveform file').count(), 0)
    await page.click('[data-do=play]')
    const loudness = () => page.evaluate(() => globalThis.meters.map((meter) => {
      const samples = new Float32Array(meter.fftSize)
      meter.getFloatTimeDomainData(samples)
      return 10 * Math.log10(samples.reduce((sum, s) => sum + s * s, 0) / samples.length + 1e-12)
    }))
    /** The loudest of each channel within two seconds of playing from a place where both speak. */
    const hear = async () => {
      await page.evaluate(() => { document.querySelector('audio').currentTime = 1 })
      const loudest = [-120, -120]
      for (let i = 0; i < 60; i += 1) {
        await page.waitForTimeout(100)
        const now = await loudness()
        now.forEach((db, channel) => { loudest[channel] = Math.max(loudest[channel], db) })
      }
      return loudest
    }
    const both = await hear()
    assert.ok(both[0] > -50 && both[1] > -50, `both sides sound: ${both}`)
    await page.click('[data-side=caller][data-do=mute]')
    await page.waitForTimeout(1200)
    const muted = await hear()
    assert.ok(muted[0] < -60, `the muted side: ${muted}`)
    assert.ok(Math.abs(muted[1] - both[1]) < 3, `the other stays: ${both} → ${muted}`)
    await page.click('[data-side=caller][data-do=mute]')
  })
  await check('the place in a recording is the address', async () => {
    await page.keyboard.press('l')
    await page.waitForFunction(() => new URL(location.href).searchParams.get('t'))
  })
  await check('a remark is kept, and what looks like a page stays text', async () => {
    const words = '<img src=x onerror=alert(1)> =1+1'
    await page.getByLabel('Remark').fill(words)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForFunction(() => document.querySelector('textarea + div button').disabled)
    await page.reload()
    await page.waitForFunction((words) => document.querySelector('textarea')?.value === words, words)
    assert.equal(await page.locator('img[src=x]').count(), 0)
  })

  const source = readFileSync(`${web}src/routes.ts`, 'utf8')
  const paths = [...source.matchAll(/path: '([^']+)'/g)].map((found) => found[1])
  assert.ok(paths.length >= 8, `${paths}`)
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    for (const path of paths) {
      await check(`${path}: nothing for axe to complain of, ${colorScheme}`, async () => {
        await page.goto(base + path.replace(':ticket', ticket))
        await page.locator('main h1').waitFor()
        await page.waitForFunction(() => !document.querySelector('main [aria-busy]'))
        await look(page, `${path === '/' ? 'desk' : path.slice(1).replace(/[:/]/g, '-')}-${colorScheme}`)
      })
    }
  }
  await check('nothing went wrong on any page', async () => assert.deepEqual(complaints, []))

  await check('an operator is shown only what an operator may see, in Chinese', async () => {
    const { page, complaints } = await person('zh-CN')
    await signIn(page, 'wang', 'another password for it')
    await page.getByRole('heading', { level: 1, name: '值班台' }).waitFor()
    assert.equal(await page.getByRole('link', { name: '用户' }).count(), 0)
    await page.goto(`${base}/users`)
    await page.getByText('您的角色不能查看这一页').waitFor()
    await page.goto(`${base}/calls/${ticket}`)
    await page.getByText('您的角色不能听录音').waitFor()
    const refused = await page.evaluate(async (id) => (await fetch(`/api/v1/tickets/${id}/recording`)).status, ticket)
    assert.equal(refused, 403)
    assert.deepEqual(complaints, [])
  })

  await check('both languages have every message', async () => {
    const keys = (name) => Object.keys(JSON.parse(readFileSync(`${web}messages/${name}.json`, 'utf8'))).sort()
    assert.deepEqual(keys('zh'), keys('en'))
  })
  console.log(`browser: ${checks} checks passed`)
} finally {
  await browser.close()
}
