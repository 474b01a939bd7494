// Reads the org as an independent client does and prints what it got as JSON.
import jsforce from "jsforce";

const [address, clientId, clientSecret] = process.argv.slice(2);
const token = await fetch(`${address}/services/oauth2/token`, {
  method: "POST",
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret }),
}).then((answer) => answer.json());
const connection = new jsforce.Connection({ instanceUrl: address, accessToken: token.access_token, version: "62.0" });

const visible = await connection.query("SELECT Id, Name, Owner.Name FROM Opportunity ORDER BY Id", { autoFetch: true, maxFetch: 100000 });
const everything = await connection.query("SELECT Id FROM Opportunity", { autoFetch: true, maxFetch: 100000, scanAll: true });
const described = await connection.describe("Opportunity");
const limits = await connection.limits();
const window = ["2026-02-08T00:00:00Z", "2026-02-20T00:00:00Z"];
const deleted = await connection.sobject("Opportunity").deleted(...window);
const updated = await connection.sobject("Opportunity").updated(...window);
const stream = await connection.bulk2.query("SELECT Id, Name, Amount FROM Opportunity");
const bulk = await stream.toArray();
let refused = "";
try {
  await connection.query("SELECT Bogus FROM Opportunity");
} catch (error) {
  refused = error.errorCode;
}
console.log(JSON.stringify({
  visible: visible.records.length, total: visible.totalSize, first: visible.records[0],
  everything: everything.records.length, fields: described.fields.map((field) => field.name),
  requests: limits.DailyApiRequests.Max, deleted: deleted.deletedRecords.length, updated: updated.ids.length,
  bulk: bulk.length, names: bulk.map((row) => row.Name), refused,
}));
