for (const field of document.querySelectorAll('.password')) {
  const input = field.querySelector('input')
  const toggle = document.createElement('button')
  toggle.type = 'button'
  toggle.className = 'reveal'
  toggle.setAttribute('aria-controls', input.id)

  const show = (isShown) => {
    input.type = isShown ? 'text' : 'password'
    toggle.textContent = isShown ? field.dataset.hide : field.dataset.show
  }
  toggle.addEventListener('click', () => show(input.type === 'password'))
  // What is sent as text, browsers remember as text.
  input.form.addEventListener('submit', () => show(false))
  show(false)
  field.append(toggle)
}

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if ('sent' in form.dataset) return event.preventDefault()
    form.dataset.sent = ''
    // Whoever stopped waiting can send it again.
    setTimeout(() => delete form.dataset.sent, 5000)
  })
  // The way back may lead to the page as it was left.
  addEventListener('pageshow', () => delete form.dataset.sent)
}
