// The official client of the Model Context Protocol against `calcom-sync`: over standard input and output, and over HTTP.
// scripts/test-mcp sets everything up, and puts this file beside the client's package.
//
//   SYNC    the program, to be run in this folder
//   URL     where `calcom-sync serve` serves the tenant's tools
//   TOKEN   the tenant's token
//   FAKE    the fake Cal.com's control API

import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const { SYNC, URL: address, TOKEN, FAKE } = process.env
const phone = '+4915123456789'

// What the client's validator has to say about the schemas.
const warnings = []
console.warn = (...words) => warnings.push(words.join(' '))

const overStdio = () =>
    new StdioClientTransport({ command: SYNC, args: ['mcp', '--no-worker'], cwd: process.cwd(), stderr: 'inherit' })
const overHttp = (token) =>
    new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers: { authorization: `Bearer ${token}` } } })

async function connected(transport) {
    const client = new Client({ name: 'test-mcp', version: '1.0.0' })
    await client.connect(transport)
    return client
}

// The client checks every structured result against the schema that was listed.
async function call(client, name, args) {
    const result = await client.callTool({ name, arguments: args })
    assert.equal(result.isError ?? false, false, JSON.stringify(result))
    const { say, result: outcome } = result.structuredContent
    assert.equal(result.content[0].text, say)
    assert.deepEqual(JSON.parse(result.content[1].text), outcome)
    return outcome
}

async function bookTenTimes(client, args) {
    const calls = Array.from({ length: 10 }, () => call(client, 'book_appointment', args))
    const ids = (await Promise.all(calls)).map((outcome) => {
        assert.equal(outcome.outcome, 'booked', JSON.stringify(outcome))
        return outcome.appointment.id
    })
    assert.equal(new Set(ids).size, 1, `several appointments: ${ids}`)
    return ids[0]
}

// The live bookings at the fake Cal.com, once there are that many, and a while later.
async function bookings(expected) {
    const live = async () => {
        const all = await (await fetch(`${FAKE}/bookings`)).json()
        return (all.data ?? all).filter((booking) => booking.status === 'accepted').length
    }
    for (let tries = 0; tries < 150 && (await live()) < expected; tries += 1) {
        await new Promise((wake) => setTimeout(wake, 200))
    }
    await new Promise((wake) => setTimeout(wake, 1000))
    assert.equal(await live(), expected, 'live bookings at Cal.com')
}

const stdio = await connected(overStdio())
const http = await connected(overHttp(TOKEN))
const slots = []
for (const [name, client] of Object.entries({ stdio, http })) {
    const { tools } = await client.listTools()
    assert.equal(tools.length, 10)
    for (const tool of tools) {
        assert.equal(tool.inputSchema.type, 'object')
        assert.equal(tool.outputSchema.type, 'object')
        assert.equal(tool.annotations.idempotentHint, true)
    }
    const { resources } = await client.listResources()
    assert.equal(resources.length, 2)
    for (const { uri } of resources) {
        const { contents } = await client.readResource({ uri })
        JSON.parse(contents[0].text)
    }
    const { services } = await call(client, 'list_services', {})
    const service = services[0].name
    const duration = await call(client, 'calculate_duration', { services: [service] })
    assert.equal(duration.minutes, services[0].minutes)
    const found = await call(client, 'find_next_slot', { service })
    slots.push(...found.slots.map((slot) => ({ service, when: slot.start })))
    await call(client, 'check_availability', slots[0])
    await call(client, 'find_alternatives', slots[0])
    await call(client, 'collect_appointment_data', { name: 'Anna Schmidt', service })
    await assert.rejects(client.callTool({ name: 'drop_table', arguments: {} }))
    console.log(`${name}: ${tools.length} tools, ${resources.length} resources`)
}

const booking = (slot) => ({ ...slot, name: 'Anna Schmidt', email: 'anna@example.com', phone })
const first = booking(slots[0])
const id = await bookTenTimes(stdio, first)
await bookings(1)
assert.equal(await bookTenTimes(http, first), id, 'the other transport books again')
await bookings(1)
console.log('stdio: book_appointment ten times at once, and ten times over HTTP: 1 appointment, 1 booking')

const second = booking(slots.at(-1))
const other = await bookTenTimes(http, second)
await bookings(2)
assert.equal(await bookTenTimes(stdio, second), other, 'the other transport books again')
await bookings(2)
console.log('HTTP: book_appointment ten times at once, and ten times over stdio: 1 appointment, 1 booking')

for (const client of [stdio, http]) {
    const { appointments } = await call(client, 'find_appointments', { phone })
    assert.deepEqual(appointments.map((one) => one.id).sort(), [id, other].sort())
}
const moved = await call(http, 'move_appointment', { phone, appointment: id, when: slots[1].when })
assert.equal(moved.outcome, 'moved', JSON.stringify(moved))
for (const gone of [id, other]) {
    const cancelled = await call(stdio, 'cancel_appointment', { phone, appointment: gone })
    assert.equal(cancelled.outcome, 'cancelled', JSON.stringify(cancelled))
}
console.log('moved over HTTP, cancelled over stdio')

await assert.rejects(connected(overHttp('a token of somebody else')), { code: 401 })
await assert.rejects(connected(overHttp('')), { code: 401 })
console.log('HTTP: a wrong token is refused with 401')
assert.deepEqual(warnings, [], 'the client warns')
await stdio.close()
await http.close()
