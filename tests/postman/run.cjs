// Runs the collection against a gateway: `node run.cjs URL`. Says at the end how many assertions held.
"use strict";

const newman = require("newman");

const [base] = process.argv.slice(2);
const merchant = JSON.parse(process.env.MERCHANT_CLIENT ?? "{}");

newman.run(
    {
        collection: require("./vestibule.postman_collection.json"),
        environment: require("./vestibule.postman_environment.json"),
        envVar: [
            { key: "base", value: base },
            { key: "storefrontKey", value: process.env.STOREFRONT_KEY ?? "" },
            ...Object.entries(merchant).map(([key, value]) => ({ key, value: `${value}` })),
        ],
        timeoutRequest: 60_000,
    },
    (error, summary) => {
        if (error) throw error;
        for (const { source, parent, error: { test, message } } of summary.run.failures) {
            console.log(`${parent.name} / ${source.name}: ${test ?? ""}: ${message}`);
        }
        const { assertions, requests } = summary.run.stats;
        const failed = summary.run.failures.length;
        const verdict = failed ? "FAILED" : "ok";
        console.log(`${requests.total} requests`);
        console.log(`test result: ${verdict}. ${assertions.total - assertions.failed} passed; ${failed} failed`);
        process.exitCode = failed ? 1 : 0;
    },
);
