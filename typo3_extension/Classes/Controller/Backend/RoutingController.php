<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Attribute\AsController;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * The catalog, the routing rules, and which of them would match a case.
 */
#[AsController]
final readonly class RoutingController
{
    /** The facts of a case, each with the table of the catalog that it is chosen from. */
    private const FACTS = [
        'typ' => 'vorgangstypen',
        'schadensort' => 'schadensorte',
        'schadenskategorie' => 'schadenskategorien',
        'schadensart' => 'schadensarten',
        'beschwerdeart' => 'beschwerdearten',
        'kontaktthema' => 'kontaktthemen',
        'dokumentart' => 'dokumentarten',
        'notfall_regel' => 'notfall_regeln',
    ];

    public function __construct(
        private ModuleFrame $frame,
        private AdminClientFactory $clients,
    ) {}

    public function showAction(ServerRequestInterface $request): ResponseInterface
    {
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($request): void {
            $view->assign('actionUrl', $this->frame->url('mieterportal_routing', ['site' => $site->getIdentifier()]));
            $this->fill($view, $this->clients->forSite($site, ModuleFrame::user()), self::asked($request));
        });

        return $view->renderResponse('Backend/Routing');
    }

    /**
     * @param array<string, string> $case
     */
    private function fill(ModuleTemplate $view, AdminClient $client, array $case): void
    {
        $catalog = $client->catalog();
        $tables = is_array($catalog['tables'] ?? null) ? $catalog['tables'] : [];
        $words = self::words($tables, $this->frame->language());
        $view->assignMultiple([
            'catalog' => $catalog,
            'fields' => $this->fields($tables, $words, $case),
            'gebaeude' => $case['gebaeude'] ?? '',
            'rules' => self::rules((array)($catalog['rules'] ?? []), $words),
            'tables' => $this->shownTables($tables, $words),
        ]);
        if (($case['typ'] ?? '') === '') {
            return;
        }
        try {
            $answer = $client->routing($case);
            $view->assign('answer', ['rules' => $this->tried($answer)] + $answer + [
                'vorgangsartName' => $words['vorgangsarten'][$answer['vorgangsart'] ?? ''] ?? '',
                'teamName' => $words['rollen'][$answer['team'] ?? ''] ?? '',
            ]);
        } catch (NoAnswer $none) {
            if ($none->trouble !== Trouble::Invalid) {
                throw $none;
            }
            $view->assign('missing', $this->frame->words('routing.missing', [$this->frame->words('routing.fact.' . $none->detail)]));
        }
    }

    /**
     * @param array<string, mixed> $answer
     * @return list<array<string, mixed>> each rule, and in words which of its conditions is not met
     */
    private function tried(array $answer): array
    {
        $tried = [];
        foreach ((array)($answer['rules'] ?? []) as $rule) {
            $mismatch = (string)($rule['mismatch'] ?? '');
            $tried[] = [
                'name' => $rule['name'] ?? '',
                'matches' => (bool)($rule['matches'] ?? false),
                'mismatch' => $mismatch === '' ? '' : $this->frame->words('routing.fact.' . $mismatch),
            ];
        }

        return $tried;
    }

    /**
     * @return array<string, string>
     */
    private static function asked(ServerRequestInterface $request): array
    {
        $given = $request->getParsedBody();
        $case = [];
        foreach ([...array_keys(self::FACTS), 'gebaeude'] as $name) {
            $value = is_array($given) ? $given[$name] ?? '' : '';
            $case[$name] = is_string($value) ? trim($value) : '';
        }

        return $case;
    }

    /**
     * @param array<string, mixed> $tables
     * @return array<string, array<string, string>> the words of each code of each table
     */
    private static function words(array $tables, string $language): array
    {
        $words = [];
        foreach ($tables as $name => $entries) {
            foreach ((array)$entries as $entry) {
                if (is_array($entry) && is_string($entry['code'] ?? null)) {
                    $words[$name][$entry['code']] = (string)($entry[$language] ?? $entry['code']);
                }
            }
        }

        return $words;
    }

    /**
     * @param array<string, mixed> $tables
     * @param array<string, array<string, string>> $words
     * @param array<string, string> $case
     * @return list<array<string, mixed>>
     */
    private function fields(array $tables, array $words, array $case): array
    {
        $fields = [];
        foreach (self::FACTS as $name => $table) {
            $options = [];
            foreach ((array)($tables[$table] ?? []) as $entry) {
                $code = (string)($entry['code'] ?? '');
                $options[] = [
                    'code' => $code,
                    'label' => $words[$table][$code] ?? $code,
                    'selected' => ($case[$name] ?? '') === $code,
                    'kategorie' => (string)($entry['schadenskategorie'] ?? ''),
                    'orte' => implode(' ', (array)($entry['schadensorte'] ?? [])),
                ];
            }
            $fields[] = ['name' => $name, 'label' => $this->frame->words('routing.fact.' . $name), 'options' => $options];
        }

        return $fields;
    }

    /**
     * @param array<array-key, mixed> $rules
     * @param array<string, array<string, string>> $words
     * @return list<array<string, mixed>>
     */
    private static function rules(array $rules, array $words): array
    {
        $shown = [];
        foreach ($rules as $rule) {
            $conditions = [];
            foreach ((array)($rule['conditions'] ?? []) as $fact => $codes) {
                $known = $words[self::FACTS[$fact] ?? ''] ?? [];
                $named = array_map(static fn(string $code): string => $known[$code] ?? $code, array_map(strval(...), (array)$codes));
                $conditions[$fact] = implode(', ', $named);
            }
            $shown[] = ['name' => $rule['name'] ?? '', 'conditions' => $conditions, 'suggests' => (array)($rule['suggests'] ?? [])];
        }

        return $shown;
    }

    /**
     * @param array<string, mixed> $tables
     * @param array<string, array<string, string>> $words
     * @return list<array<string, mixed>>
     */
    private function shownTables(array $tables, array $words): array
    {
        $shown = [];
        foreach (array_keys($tables) as $name) {
            $shown[] = ['label' => $this->frame->words('routing.table.' . $name), 'entries' => $words[$name] ?? []];
        }

        return $shown;
    }
}
