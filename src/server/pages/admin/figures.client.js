// The figures stay as they are now, not as they were when the page was opened. Nothing needs this script.

const EVERY = 5_000
const formToken = document.getElementById('form-token').value

let timer

/** Asked for as a form of this page would, so that it works by what the page carries, and ends with it. */
async function update() {
  const body = new URLSearchParams({ form_token: formToken })
  const response = await fetch(location.pathname, { method: 'POST', body, redirect: 'manual' })
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('figures')
  const shown = document.getElementById('figures')
  if (fresh !== null) return exchange(shown, fresh)
  // Signed out, demoted, or to be asked for the password: whoever looks learns it by a page.
  if (response.status < 500) location.assign(location.pathname)
}

/** Cell by cell, so that what is selected, scrolled or focused stays; as a whole where there are other rows. */
function exchange(shown, fresh) {
  const [before, now] = [shown, fresh].map((element) => [...element.querySelectorAll('td, time')])
  if (before.length !== now.length) return shown.replaceWith(fresh)
  for (const [index, cell] of before.entries()) {
    if (cell.textContent !== now[index].textContent) cell.textContent = now[index].textContent
  }
}

function follow() {
  clearInterval(timer)
  if (document.hidden) return
  timer = setInterval(() => void update().catch(() => undefined), EVERY)
}

follow()
document.addEventListener('visibilitychange', follow)
addEventListener('pagehide', () => clearInterval(timer))
addEventListener('pageshow', follow)
