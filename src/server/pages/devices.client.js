// The page stays as it is now, not as it was when it was opened. Nothing needs this script. Times are told by
// times.client.js, which runs before.

const list = document.getElementById('devices')
const notice = document.getElementById('notice')
const href = list.dataset.href // with the way back, if there is one

// After an action: its outcome was said, and loading the page again neither says nor does it once more.
history.replaceState(null, '', href + location.hash)

// What changed. Parts are exchanged; forms, open details, the cursor and what is being typed stay.

let updating = null
let isStale = false

/** One at a time; what is asked for meanwhile is done once more at the end. */
function update() {
  isStale = true
  updating ??= updateUntilFresh()
  return updating
}

async function updateUntilFresh() {
  while (isStale) {
    isStale = false
    await fetchDevices().catch(() => undefined)
  }
  updating = null // in the same turn as the loop's end: nothing is asked for between
}

async function fetchDevices() {
  const response = await fetch(href, { cache: 'no-store' })
  if (!list.isConnected) return // the reason came first
  if (response.redirected) return showEnded('unknown')
  if (!response.ok) return
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const freshList = fresh.getElementById('devices')
  if (freshList === null || !list.isConnected) return
  // In another tab somebody has signed in anew, perhaps somebody else: not one of these forms is theirs.
  if (currentIn(freshList) !== currentIn(list)) return location.replace(href)
  exchange(freshList, fresh)
}

const currentIn = (element) => element.querySelector('.current')?.id

function exchange(fresh, freshPage) {
  // A confirmation of the password is in this page alone, so its forms go on with what they carry.
  const formToken = list.querySelector('[name=form_token]').value
  for (const field of freshPage.querySelectorAll('[name=form_token]')) field.value = formToken

  const told = []
  for (const item of itemsIn(list)) {
    if (fresh.querySelector(`#${item.id}`) === null) {
      told.push(say(notice.dataset.removed, item))
      remove(item)
    }
  }
  let before = null
  for (const item of itemsIn(fresh)) {
    const shown = document.getElementById(item.id)
    if (shown === null) {
      told.push(say(notice.dataset.added, item))
      insertAfter(before, document.adoptNode(item))
    } else if (exchangeParts(shown, item)) {
      told.push(say(notice.dataset.renamed, item))
    }
    before = shown ?? item
  }
  list.querySelector('.others').hidden = itemsIn(list).length < 2
  for (const part of document.querySelectorAll('[data-whole]')) exchangeWhole(part, freshPage)
  tellTimes()
  if (told.length > 0) tell(told.join('. '))
}

/** A function, as in a text `$&` would mean something. */
const say = (words, item) => words.replace('{device}', () => item.dataset.name)

function tell(words) {
  const told = document.createElement('span')
  told.textContent = words
  notice.replaceChildren(told)
}

const itemsIn = (element) => [...element.querySelectorAll('li.device')]

function insertAfter(before, item) {
  item.classList.add('arrived')
  if (before === null) list.querySelector('ul').prepend(item)
  else before.after(item)
}

function remove(item) {
  const hadFocus = item.contains(document.activeElement)
  item.remove()
  if (hadFocus) notice.focus()
}

/** Returns whether its name is another one. */
function exchangeParts(shown, fresh) {
  const isRenamed = shown.dataset.name !== fresh.dataset.name
  const freshParts = fresh.querySelectorAll('[data-part]')
  for (const [index, part] of shown.querySelectorAll('[data-part]').entries()) part.replaceWith(freshParts[index])
  if (!isRenamed) return false
  shown.dataset.name = fresh.dataset.name
  const labels = fresh.querySelectorAll('.acts [aria-label]')
  for (const [index, element] of shown.querySelectorAll('.acts [aria-label]').entries()) {
    element.setAttribute('aria-label', labels[index].getAttribute('aria-label'))
  }
  const [field, freshField] = [shown, fresh].map((item) => item.querySelector('[name=name]'))
  const isUntouched = field.value === field.defaultValue && field !== document.activeElement
  if (isUntouched) field.value = freshField.defaultValue
  field.defaultValue = freshField.defaultValue
  return true
}

/** What nobody fills in: the cursor goes to what has taken the place of where it was, or else to what was said. */
function exchangeWhole(part, freshPage) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null
  part.replaceChildren(...freshPage.getElementById(part.id).childNodes)
  if (focused !== null) (document.getElementById(focused.id) ?? notice).focus()
}

/** This very session is over: why, and the way back in. */
function showEnded(reason) {
  unfollow()
  const main = document.querySelector('main')
  const told = document.getElementById('ended').content.cloneNode(true)
  const known = ['policy', reason].map((name) => told.querySelector(`[data-reason="${CSS.escape(name)}"]`))
  const chosen =
    known[1] ?? (reason.startsWith('policy:') ? known[0] : null) ?? told.querySelector('[data-reason=unknown]')
  for (const each of told.querySelectorAll('[data-reason]')) if (each !== chosen) each.remove()
  // After a new sign-in in this browser there is a list again.
  told.querySelector(reason === 'replaced' ? '.sign-in' : '.show').remove()
  main.replaceChildren(told)
  document.body.classList.remove('wide')
  const heading = main.querySelector('h1')
  document.title = heading.textContent
  heading.focus()
}

// Being told.

const SOON = 5_000
const LATE = 5 * 60_000

let source = null
let wait = SOON
let minute
let retry

function follow() {
  if (source !== null || document.hidden) return
  source = new EventSource('v1/sessions/current/events')
  source.addEventListener('open', () => {
    wait = SOON
    // Also after the connection was lost: nobody knows what happened meanwhile.
    void update()
  })
  source.addEventListener('sessions_changed', () => void update())
  source.addEventListener('ended', (event) => showEnded(reasonIn(event.data)))
  source.addEventListener('error', () => void comeAgain())
  // What can be undone can be for a while only.
  minute = setInterval(() => document.querySelector('.gone') && void update(), 60_000)
}

/** Refused, the browser does not come again by itself: perhaps this session is over, perhaps the service is busy. */
async function comeAgain() {
  if (source?.readyState !== EventSource.CLOSED) return
  unfollow()
  await update()
  if (!list.isConnected) return
  retry = setTimeout(follow, wait * (1 + Math.random()))
  wait = Math.min(2 * wait, LATE)
}

function unfollow() {
  source?.close()
  source = null
  clearInterval(minute)
  clearTimeout(retry)
}

function reasonIn(data) {
  try {
    return String(JSON.parse(data).reason)
  } catch {
    return 'unknown'
  }
}

function comeBack() {
  if (list.isConnected) follow()
}

addEventListener('pagehide', unfollow)
addEventListener('pageshow', comeBack)
// Over HTTP/1.1 a browser has six connections to a place for all its tabs, and each stream keeps one: with as many
// tabs left open, nothing here would load any more.
document.addEventListener('visibilitychange', () => (document.hidden ? unfollow() : comeBack()))
