//! The instance key's way in: the environment, or a file of mode 0600.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;

use super::{Error, Options};
use crate::model::{Profile, Secret, TurnRng};

/// Fewest bytes of a key.
const SHORTEST: usize = 32;

/// The instance key that the options name, base 64. Outside `prod` a missing file is made with a fresh key.
pub fn instance_key(options: &Options, profile: Profile, rng: &mut TurnRng) -> Result<Secret, Error> {
    let key = match (&options.key, &options.key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(path)) => from_file(path, profile, rng)?,
        (None, None) => return Err(Error::BadKey("is missing: set crypto.key or crypto.key_file")),
    };
    let bytes = STANDARD.decode(key.expose().trim()).map_err(|_| Error::BadKey("is not base 64"))?;
    if bytes.len() < SHORTEST {
        return Err(Error::BadKey("is too short: 32 bytes are the least"));
    }
    if bytes.iter().all(|b| Some(b) == bytes.first()) {
        return Err(Error::BadKey("is one byte repeated: draw it from a random generator"));
    }
    Ok(key)
}

fn from_file(path: &Path, profile: Profile, rng: &mut TurnRng) -> Result<Secret, Error> {
    let fault =
        |what| move |source| Error::KeyFile { path: path.display().to_string(), what, source: Some(source) };
    if !path.exists() {
        if profile == Profile::Prod {
            return Err(Error::KeyFile {
                path: path.display().to_string(),
                what: "does not exist",
                source: None,
            });
        }
        return create(path, rng);
    }
    let mut file = OpenOptions::new().read(true).open(path).map_err(fault("cannot be opened"))?;
    let mode = file.metadata().map_err(fault("cannot be looked at"))?.permissions().mode();
    if mode & 0o077 != 0 {
        let what = "can be read by others: set its mode to 0600";
        return Err(Error::KeyFile { path: path.display().to_string(), what, source: None });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(fault("cannot be read"))?;
    Ok(Secret::new(text.trim()))
}

fn create(path: &Path, rng: &mut TurnRng) -> Result<Secret, Error> {
    let fault =
        |what| move |source| Error::KeyFile { path: path.display().to_string(), what, source: Some(source) };
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(fault("has a folder that cannot be made"))?;
    }
    let mut bytes = [0u8; SHORTEST];
    rng.fill_bytes(&mut bytes);
    let key = STANDARD.encode(bytes);
    // Written beside and renamed, so that a crash leaves no half key and two processes that start at once agree.
    let beside = path.with_extension(format!("{:08x}", rng.next_u32()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(fault("cannot be made"))?;
    file.write_all(key.as_bytes()).and_then(|()| file.sync_all()).map_err(fault("cannot be written"))?;
    let linked = std::fs::hard_link(&beside, path);
    std::fs::remove_file(&beside).map_err(fault("left a temporary file"))?;
    match linked {
        Ok(()) => Ok(Secret::new(key)),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => from_file(path, Profile::Prod, rng),
        Err(e) => Err(fault("cannot be put in place")(e)),
    }
}
