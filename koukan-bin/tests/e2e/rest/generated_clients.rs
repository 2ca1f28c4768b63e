//! Clients that other projects' generators make from the document that an agent serves. They are
//! generated in each run, and send a mail with an attachment.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use crate::{
    collector::{Collector, without_trace},
    peers::{node_modules, node_peer, peer, python_peer, run},
    process::free_address,
};

use super::{
    python::python,
    setup::{Agent, Shape},
};

/// What each client needs: an agent, the sink to which its mail goes, and the document.
struct Setup {
    sink: Collector,
    agent: Agent,
    directory: tempfile::TempDir,
    /// Files that the agent reads as long as it runs.
    _secrets: Option<tempfile::TempDir>,
}

impl Setup {
    fn start() -> Self {
        let sink = Collector::start();
        let agent = Agent::start(Shape::Whole, sink.address);
        Self::of(sink, agent)
    }

    /// Like [`Setup::start`], with an agent that has everything which operators can ask about:
    /// lists of bad addresses, and a webhook at which nobody listens.
    fn start_with_all() -> Self {
        let (sink, secrets) = (Collector::start(), tempfile::tempdir().unwrap());
        let secret = secrets.path().join("secret");
        fs::write(&secret, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let hook = format!(
            "webhooks: [{{ name: app, url: \"http://{}/\", secret_file: \"{}\" }}]\n",
            free_address(),
            secret.display()
        );
        let changes = [("rest: {} }", "rest: {}, suppression: {} }")];
        let agent = Agent::start_changed(Shape::Whole, sink.address, &hook, &changes);
        Self {
            _secrets: Some(secrets),
            ..Self::of(sink, agent)
        }
    }

    fn of(sink: Collector, agent: Agent) -> Self {
        let script = r#"
status, _, document = request("GET", "/openapi.json")
assert status == 200, document
print(json.dumps(document))
"#;
        let document = python(agent.rest, script, &[]);
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("openapi.json"), document).unwrap();
        Self {
            sink,
            agent,
            directory,
            _secrets: None,
        }
    }

    /// Writes a file with that content beside the generated ones.
    fn write(&self, name: &str, content: &str) {
        fs::write(self.directory.path().join(name), content).unwrap();
    }

    /// Runs a program in the directory of the generated files.
    fn run(&self, mut command: Command, arguments: &[&str]) -> String {
        let command = command.current_dir(self.directory.path()).args(arguments);
        // It connects only to loopback.
        run(command.env("NO_PROXY", "*"))
    }

    fn url(&self) -> String {
        format!("http://{}", self.agent.rest)
    }

    /// Checks the message that has arrived.
    fn has_sent(&self) {
        let message = self.sink.only_message("bob@example.com");
        self.write("message", without_trace(&message));
        let script = r#"
import email, email.policy
message = email.message_from_bytes(open(args[0], "rb").read(), policy=email.policy.default)
assert message["Subject"] == "hello", message["Subject"]
assert message["From"].addresses[0].addr_spec == "alice@example.com"
text, cat = message.iter_parts()
assert text.get_content().strip() == "the text"
assert cat.get_filename() == "cat.bin"
assert cat.get_content() == bytes(range(256)) * 100
"#;
        let message = self.directory.path().join("message");
        python(self.agent.rest, script, &[message.to_str().unwrap()]);
    }
}

/// Generates the client with openapi-python-client.
fn make_python_client(setup: &Setup) {
    let generator = python_peer("openapi-python-client");
    let folder = Path::new(generator.get_program()).parent().unwrap();
    // The generator runs ruff, which is in the same directory.
    let mut with_path = Command::new(generator.get_program());
    with_path.env("PATH", folder);
    let wanted = ["generate", "--path", "openapi.json", "--meta", "none"];
    // The generator warns about everything that it could not use.
    let more = ["--output-path", "generated", "--fail-on-warning"];
    setup.run(with_path, &[wanted.as_slice(), &more].concat());
}

#[test]
fn openapi_python_client_makes_a_client_that_sends() {
    let setup = Setup::start();
    make_python_client(&setup);
    setup.write("send.py", include_str!("generated.py"));
    setup.run(python_peer("python"), &["send.py", &setup.url()]);
    setup.has_sent();
}

#[test]
fn openapi_python_client_makes_a_client_for_all_that_there_is() {
    let setup = Setup::start_with_all();
    make_python_client(&setup);
    setup.write("operate.py", include_str!("generated_operator.py"));
    setup.run(python_peer("python"), &["operate.py", &setup.url()]);
}

#[test]
fn openapi_typescript_makes_types_with_which_openapi_fetch_sends() {
    let setup = Setup::start();
    let generator = node_peer("openapi-typescript");
    setup.run(generator, &["openapi.json", "--output", "generated.ts"]);
    setup.write("send.ts", include_str!("generated.ts"));
    setup.write("tsconfig.json", include_str!("generated.tsconfig.json"));
    setup.write("package.json", r#"{ "type": "module" }"#);
    let modules = setup.directory.path().join("node_modules");
    symlink(node_modules(), modules).unwrap();
    // All types are checked.
    setup.run(node_peer("tsc"), &["--project", "."]);
    setup.run(peer("node"), &["send.js", &setup.url()]);
    setup.has_sent();
}

#[test]
fn openapi_spec_validator_finds_nothing() {
    let setup = Setup::start();
    let validator = python_peer("openapi-spec-validator");
    let told = setup.run(validator, &["openapi.json"]);
    assert_eq!(told.trim(), "openapi.json: OK");
}
