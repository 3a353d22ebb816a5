// Times in the person's own time zone, which the server does not know, and how long ago they are by now. The same
// steps as in devices-times.ts.

const language = document.documentElement.lang
const UNITS = [
  ['year', 31_556_952],
  ['month', 2_629_746],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat(language)
const exact = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' })

function tellTimes() {
  for (const time of document.querySelectorAll('time')) {
    const at = new Date(time.dateTime)
    if (time.classList.contains('exact')) setText(time, exact.format(at))
    else {
      time.title = exact.format(at)
      setText(time, ago(at, time.dataset.justNow))
    }
  }
}

function ago(at, justNow) {
  const seconds = Math.floor((Date.now() - at) / 1000)
  const [unit, size] = UNITS.find(([, least]) => seconds >= least) ?? []
  return unit === undefined ? justNow : relative.format(-Math.floor(seconds / size), unit)
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

setInterval(() => document.hidden || tellTimes(), 60_000)
for (const event of ['pageshow', 'visibilitychange']) addEventListener(event, tellTimes)
