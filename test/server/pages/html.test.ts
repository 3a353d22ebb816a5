import { expect } from 'chai'
import { html } from '../../../src/server/pages/html.ts'

describe('HTML', () => {
  it('holds what is put into it as text, in elements and in attributes', () => {
    const hostile = `<b>&"'`
    expect(String(html`<p title="${hostile}">${hostile}</p>`)).to.equal(
      '<p title="&#60;b&#62;&#38;&#34;&#39;">&#60;b&#62;&#38;&#34;&#39;</p>',
    )
    expect(String(html`${['<', '>']}`)).to.equal('&#60;&#62;')
  })

  it('holds other HTML as it is, and lists of it, but nothing that only looks like it', () => {
    const parts = ['a', '<'].map((each) => html`<b>${each}</b>`)
    expect(String(html`<p>${parts}</p>`)).to.equal('<p><b>a</b><b>&#60;</b></p>')
    const impostor = JSON.parse('["<b>"]') as string[]
    expect(String(html`${impostor}`)).to.equal('&#60;b&#62;')
  })

  it('leaves out what is not there, but not zero', () => {
    expect(String(html`${null}${undefined}${false}${0}`)).to.equal('0')
  })
})
