//! What the sources give, in ascending precedence: configuration file, environment, ALTER SYSTEM, command line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use dictdb_session::settings::{Given, Place, Source, auto_file, parse_bool};

use super::{Arguments, OWN_KEYS, Values, environment, file};

/// Where keys stand in the configuration file.
pub(super) type Places = BTreeMap<String, Arc<Place>>;

/// Reads file, environment and command line.
pub(super) fn read(arguments: &Arguments) -> Result<(Values, Places), String> {
    let mut values = Values::new();
    let mut places = Places::new();
    if let Some(path) = arguments.config.clone().or_else(environment::config_path) {
        places = file::read(&path, &mut values)?;
    }
    environment::read(std::env::vars(), &mut values)?;
    arguments.read(&mut values)?;
    Ok((values, places))
}

/// Reads them again while the server runs: settings only. What ALTER SYSTEM has written the instance knows itself.
pub(crate) fn reread(arguments: &Arguments) -> Result<Vec<Given>, String> {
    let (mut values, places) = read(arguments)?;
    take_own(&mut values);
    Ok(in_order(values, &places, Vec::new()))
}

/// Takes the keys out that are no settings. `host` is one under another name.
pub(super) fn take_own(values: &mut Values) -> BTreeMap<&'static str, String> {
    if let Some((host, source)) = values.remove("host") {
        values.insert("listen_addresses".to_owned(), (host, source));
    }
    let taken = OWN_KEYS.iter().filter_map(|key| values.remove(*key).map(|(value, _)| (*key, value)));
    taken.collect()
}

/// Where data is kept; `None` keeps it in memory only.
pub(super) fn data_directory(own: &BTreeMap<&str, String>) -> Result<Option<PathBuf>, String> {
    let not_a_boolean = |text: &str| format!("ephemeral: \"{text}\" is not a Boolean");
    let ephemeral = own.get("ephemeral").map(|text| parse_bool(text).ok_or_else(|| not_a_boolean(text)));
    let directory = own.get("data_dir").map_or("./data", String::as_str);
    Ok((!ephemeral.transpose()?.unwrap_or(false)).then(|| PathBuf::from(directory)))
}

/// What ALTER SYSTEM has written into the data directory.
pub(super) fn altered(own: &BTreeMap<&str, String>) -> Result<Vec<Given>, String> {
    let Some(directory) = data_directory(own)? else { return Ok(Vec::new()) };
    let directory = std::fs::canonicalize(&directory).unwrap_or(directory);
    let path = directory.join(auto_file::FILE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => auto_file::read(&text, &path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("could not read \"{}\": {error}", path.display())),
    }
}

/// All values in ascending precedence.
pub(super) fn in_order(values: Values, places: &Places, altered: Vec<Given>) -> Vec<Given> {
    let given = |(name, (text, source)): (String, (String, Source))| {
        let place = places.get(&name).filter(|_| source == Source::ConfigurationFile).cloned();
        Given { name, text, source, place }
    };
    let (above, mut below): (Vec<Given>, Vec<Given>) =
        values.into_iter().map(given).partition(|given| given.source == Source::CommandLine);
    below.sort_by_key(|given| given.source == Source::Environment);
    below.extend(altered);
    below.extend(above);
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_above_alter_system_and_that_above_the_rest() {
        let values = [("a", Source::CommandLine), ("b", Source::Environment), ("c", Source::ConfigurationFile)];
        let values = values.map(|(name, source)| (name.to_owned(), (String::new(), source))).into();
        let altered =
            vec![Given { name: "x".to_owned(), text: String::new(), source: Source::ConfigurationFile, place: None }];
        let order: Vec<String> = in_order(values, &Places::new(), altered).into_iter().map(|g| g.name).collect();
        assert_eq!(order, ["c", "b", "x", "a"]);
    }
}
