// Reads a JSON list of SOQL queries from stdin, prints a JSON list of booleans: is each one valid?
// Run with node_modules beside this file or in a parent (here: a symlink to /tmp/soql/npm/node_modules).
import { readFileSync } from "node:fs";
import { isQueryValid } from "@jetstreamapp/soql-parser-js";

const queries = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(queries.map((query) => isQueryValid(query))));
