mod palette;
pub mod svg;
