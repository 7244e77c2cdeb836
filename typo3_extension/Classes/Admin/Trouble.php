<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

/**
 * Why the portal could not be asked, or did not do it; each has its own words and remedy for the person in the module.
 */
enum Trouble: string
{
    case Name = 'name';
    case Connection = 'connection';
    case Timeout = 'timeout';
    case Certificate = 'certificate';
    case HostNotAllowed = 'host';
    case Redirect = 'redirect';
    case Foreign = 'foreign';
    case Refused = 'refused';
    case NotFound = 'notFound';
    case NotAllowed = 'method';
    case Invalid = 'invalid';
    case Aushang = 'aushang';
    case Unavailable = 'unavailable';
    case Key = 'key';
    case Settings = 'settings';

    /**
     * @param int $number an error of libcurl (CURLE_…)
     */
    public static function ofCurl(int $number): self
    {
        return match ($number) {
            6 => self::Name,
            28 => self::Timeout,
            // the far side's certificate or TLS itself
            35, 51, 53, 58, 60, 77, 83, 90, 91 => self::Certificate,
            default => self::Connection,
        };
    }
}
