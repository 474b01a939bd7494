// Reads a mail from standard input with a parser that we did not write, and prints what it holds as JSON.
import { text } from 'node:stream/consumers'
import PostalMime from 'postal-mime'

const mail = await PostalMime.parse(await text(process.stdin))
const { date, from, to, subject, messageId } = mail
const attached = mail.attachments.map(each => ({ name: each.filename, size: each.content.byteLength, kind: each.mimeType }))
console.log(JSON.stringify({ date, from, to, subject, messageId, attached, text: mail.text, html: mail.html, headers: mail.headers.map(each => each.key) }))
