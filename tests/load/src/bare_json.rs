//! What the web framework can do without us: it answers a JSON document, and that is all.

use std::net::Ipv4Addr;

use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;

use crate::Failure;
use crate::process::LISTENING;

/// The argument that makes this program such a server.
pub(crate) const COMMAND: &str = "bare-json";

/// Serves `document` under every path, written anew for each request, until the process is ended.
///
/// # Errors
///
/// When the document is no JSON, or there is no free port.
pub(crate) async fn serve(document: &str) -> Result<(), Failure> {
    let document: Data<Value> = Data::new(serde_json::from_str(document)?);
    let server = HttpServer::new(move || App::new().app_data(document.clone()).default_service(web::to(answer)))
        .bind((Ipv4Addr::LOCALHOST, 0))?;
    for address in server.addrs() {
        println!("{LISTENING}{address}");
    }
    Ok(server.run().await?)
}

async fn answer(document: Data<Value>) -> HttpResponse {
    HttpResponse::Ok().json(document.get_ref())
}
