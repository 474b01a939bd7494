// Reads a JSON list of SOQL queries from stdin, prints a JSON list of booleans: is each one valid?
import { readFileSync } from "node:fs";
import { isQueryValid } from "@jetstreamapp/soql-parser-js";

const queries = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(queries.map((query) => isQueryValid(query))));
